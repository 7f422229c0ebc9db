"""The parent watcher: it signals when its pipe closes, and exits with the process that it watches."""

import signal

from infra.processes.child import spawn, start_parent_watcher


def test_a_watcher_signals_when_its_pipe_closes() -> None:
    child = spawn(["sleep", "600"])
    watcher = start_parent_watcher(child.pid, signal.SIGINT)
    assert watcher.stdin is not None
    watcher.stdin.close()
    assert child.wait(10) == -signal.SIGINT
    assert watcher.wait(10) == 0


def test_a_watcher_leaves_with_the_process_that_it_watches() -> None:
    child = spawn(["sleep", "600"])
    watcher = start_parent_watcher(child.pid, signal.SIGTERM)
    child.kill()
    child.wait()
    assert watcher.wait(10) == 0
    assert watcher.stdin is not None
    watcher.stdin.close()
