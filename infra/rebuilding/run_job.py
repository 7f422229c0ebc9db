"""`python -m infra.rebuilding.run_job ID`: one operation that somebody asked for, in a process of its own."""

import os
import sys
from contextlib import closing
from uuid import UUID

from infra import logs
from infra.database.pool import folding
from infra.errors import OperatorError
from infra.logs import logger
from infra.rebuilding import jobs
from infra.rebuilding.jobs import Telling
from infra.rebuilding.outcome import Wish
from infra.rebuilding.rebuild import Held, Rebuilding
from infra.rebuilding.worker_pool import NAME
from infra.settings import PREFIX
from projections.projection import all_projections


def main(operation: UUID, url: str) -> None:
    """Do it, and say what came of it, whatever that is."""
    with closing(folding(url, NAME)) as connection:
        found = jobs.find(connection, operation)
        if found is None:
            return
        asked, options = found
        projection = all_projections()[asked.projection]
        wish = Wish(expect_changes=options.expect_changes)
        try:
            outcome = Rebuilding(url, projection, wish, Telling(connection, operation)).run()
        except Held:
            jobs.later(connection, operation)
        except Exception as error:
            jobs.end(connection, operation, error=str(error) or type(error).__name__)
            if not isinstance(error, OperatorError):
                raise
        else:
            jobs.end(connection, operation, outcome, error=outcome.refusal())
            logger.info("{} rebuilt: {} events, {:.0f}/s", projection.name, outcome.events, outcome.per_second())


if __name__ == "__main__":
    logs.configure("info", "development")
    main(UUID(sys.argv[1]), os.environ[f"{PREFIX}DATABASE_URL"])
