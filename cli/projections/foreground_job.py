"""A rebuild in this process, with a job in the database for other readers and a progress bar in a terminal."""

import contextlib
import sys
from collections.abc import Callable
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from infra.rebuilding import jobs
from infra.rebuilding.jobs import JobOptions, ProgressReporter
from infra.rebuilding.outcome import RebuildOutcome, RebuildProgress
from infra.rebuilding.rebuild import ProjectionRebuild, RebuildOptions
from projections.projection import Projection

ReportStep = Callable[[RebuildProgress], None]


def rebuild_with_progress(
    connection: Connection[TupleRow], url: str, projection: Projection[Any], rebuild_options: RebuildOptions
) -> RebuildOutcome:
    """Rebuild in this process, and show the progress."""
    job = jobs.enqueue(
        connection,
        projection,
        JobOptions(rebuild_options.expect_changes, by_hand=True, verify_only=rebuild_options.verify_only),
    )
    reporter = ProgressReporter(connection, job)
    with _progress_bar(projection.name) as show_step:

        def report_step(step: RebuildProgress) -> None:
            reporter(step)
            show_step(step)

        try:
            outcome = ProjectionRebuild(url, projection, rebuild_options, report_step).run()
        except BaseException as error:
            jobs.finish(connection, job, error=str(error) or "interrupted")
            raise
    jobs.finish(connection, job, outcome, error=outcome.rejection_reason())
    return outcome


def _progress_bar(name: str) -> contextlib.AbstractContextManager[ReportStep]:
    """Shows steps on stderr if that is a terminal."""
    if not sys.stderr.isatty():
        return contextlib.nullcontext(lambda _: None)
    from cli.projections import progress_bar  # noqa: PLC0415 - its library takes as long to import as 10,000 events

    return progress_bar.shown(name)
