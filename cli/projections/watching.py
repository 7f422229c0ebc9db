"""Watching a rebuild: a progress bar for people, an operation in the database for everybody else."""

from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from infra.rebuilding import jobs
from infra.rebuilding.jobs import JobOptions, ProgressReporter
from infra.rebuilding.outcome import RebuildOptions, RebuildOutcome, RebuildProgress
from infra.rebuilding.rebuild import ProjectionRebuild
from projections.projection import Projection


def watched(
    connection: Connection[TupleRow], url: str, projection: Projection[Any], wish: RebuildOptions
) -> RebuildOutcome:
    """Do it, here and now, and show how far it is."""
    operation = jobs.enqueue(
        connection, projection, JobOptions(wish.expect_changes, by_hand=True, verify_only=wish.verify_only)
    )
    telling = ProgressReporter(connection, operation)
    with _bar() as bar:
        line = bar.add_task(projection.name, rate="")

        def tell(step: RebuildProgress) -> None:
            telling(step)
            speed = bar.tasks[line].speed if step.phase == "folding" else None
            rate = f"{speed:,.0f} events/s" if speed else ""
            bar.update(line, description=f"{projection.name}: {step.phase}", completed=step.done, rate=rate)
            bar.update(line, total=step.total or None)

        try:
            outcome = ProjectionRebuild(url, projection, wish, tell).run()
        except BaseException as error:
            jobs.finish(connection, operation, error=str(error) or "interrupted")
            raise
    jobs.finish(connection, operation, outcome, error=outcome.rejection_reason())
    return outcome


def _bar() -> Progress:
    """Nothing where nobody is looking."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"))
    return Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
