"""The progress bar of a rebuild, in a terminal."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from infra.rebuilding.outcome import RebuildProgress


@contextlib.contextmanager
def shown(name: str) -> Iterator[Callable[[RebuildProgress], None]]:
    """Show the bar until the block ends; it moves with each step, and not by a thread: then the fold pool can fork."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"))
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, auto_refresh=False, transient=True) as bar:
        bar_task = bar.add_task(name, rate="")

        def show_step(step: RebuildProgress) -> None:
            speed = bar.tasks[bar_task].speed if step.phase == "folding" else None
            rate = f"{speed:,.0f} events/s" if speed else ""
            bar.update(bar_task, description=f"{name}: {step.phase}", completed=step.done, rate=rate)
            bar.update(bar_task, total=step.total or None, refresh=True)

        yield show_step
