"""The fold pool forks its processes, so that they start at once, unless this process has threads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from pathlib import Path

import pytest

from cli.projections import progress_bar
from infra.rebuilding.fold_pool import open_fold_pool
from infra.rebuilding.outcome import RebuildProgress
from infra.rebuilding.throttle import Throttle
from infra.settings import Settings


@contextmanager
def another_thread() -> Iterator[None]:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    yield
    over.set()
    thread.join()


def pool_command_lines(settings: Settings) -> list[str]:
    """The command lines of the processes of a pool that has run a statement."""
    with open_fold_pool(settings.database_url, 2, Throttle(lambda _: 0, 2)) as fold_pool:
        assert len(list(fold_pool.execute_all(["select 1"] * 3))) == 3
        return [Path(f"/proc/{child.pid}/cmdline").read_text() for child in active_children()]


@pytest.mark.usefixtures("database")
def test_a_process_with_threads_does_not_fork(settings: Settings) -> None:
    """The command has none, and forks: `test_rebuild.suspended_rebuild` checks that."""
    with another_thread():
        lines = pool_command_lines(settings)
    assert len(lines) == 2
    assert all("spawn_main" in line for line in lines)


def test_the_progress_bar_starts_no_thread(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as in a terminal
    before = threading.active_count()
    with progress_bar.shown("task_list") as show_step:
        show_step(RebuildProgress("folding", 3, 4))
        assert threading.active_count() == before
        assert "75%" in capsys.readouterr().err
