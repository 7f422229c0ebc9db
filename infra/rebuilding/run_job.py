"""`python -m infra.rebuilding.run_job ID`: run one queued rebuild job in a process of its own."""

import sys
from contextlib import closing
from uuid import UUID

from infra import logs, settings
from infra.database.connections import connect_for_folding
from infra.errors import OperatorError
from infra.logs import logger
from infra.rebuilding import jobs
from infra.rebuilding.fold_pool import APPLICATION_NAME
from infra.rebuilding.jobs import ProgressReporter
from infra.rebuilding.rebuild import ProjectionRebuild, RebuildInProgress, RebuildOptions
from projections.projection import all_projections


def main(job_id: UUID, url: str) -> None:
    """Run the job, and record its outcome or its error."""
    with closing(connect_for_folding(url, APPLICATION_NAME)) as connection:
        job_and_options = jobs.find(connection, job_id)
        if job_and_options is None:
            return
        job, options = job_and_options
        projection = all_projections()[job.projection]
        rebuild_options = RebuildOptions(expect_changes=options.expect_changes)
        try:
            outcome = ProjectionRebuild(url, projection, rebuild_options, ProgressReporter(connection, job_id)).run()
        except RebuildInProgress:
            jobs.requeue(connection, job_id)
        except Exception as error:
            jobs.finish(connection, job_id, error=str(error) or type(error).__name__)
            if not isinstance(error, OperatorError):
                raise
        else:
            jobs.finish(connection, job_id, outcome, error=outcome.rejection_reason())
            logger.info("{} rebuilt: {} events, {:.0f}/s", projection.name, outcome.events, outcome.events_per_s())


if __name__ == "__main__":
    values = settings.from_environment()
    logs.configure(values.get("log_level", "info"), values.get("environment", "development"))
    main(UUID(sys.argv[1]), values["database_url"])
