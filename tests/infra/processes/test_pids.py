"""Finding living processes by pid."""

from infra.processes.child import spawn
from infra.processes.pids import find_process, pid_exists
from tests.e2e.running_instance import poll_until


def test_a_zombie_does_not_count_as_alive() -> None:
    child = spawn(["true"])
    poll_until(lambda: find_process(child.pid) is None)
    assert pid_exists(child.pid)
    child.wait()
