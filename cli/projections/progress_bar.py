"""A rebuild with a progress bar in the terminal, and a job in the database for other readers."""

from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from infra.rebuilding import jobs
from infra.rebuilding.jobs import JobOptions, ProgressReporter
from infra.rebuilding.outcome import RebuildOutcome, RebuildProgress
from infra.rebuilding.rebuild import ProjectionRebuild, RebuildOptions
from projections.projection import Projection


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
    with _progress_bar() as bar:
        bar_task = bar.add_task(projection.name, rate="")

        def report_step(step: RebuildProgress) -> None:
            reporter(step)
            speed = bar.tasks[bar_task].speed if step.phase == "folding" else None
            rate = f"{speed:,.0f} events/s" if speed else ""
            bar.update(bar_task, description=f"{projection.name}: {step.phase}", completed=step.done, rate=rate)
            bar.update(bar_task, total=step.total or None)

        try:
            outcome = ProjectionRebuild(url, projection, rebuild_options, report_step).run()
        except BaseException as error:
            jobs.finish(connection, job, error=str(error) or "interrupted")
            raise
    jobs.finish(connection, job, outcome, error=outcome.rejection_reason())
    return outcome


def _progress_bar() -> Progress:
    """A progress bar, disabled if stderr is not a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"))
    return Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
