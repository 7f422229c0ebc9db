"""Child processes: none outlives its parent, and one that ignores a stop is killed soon."""

import os
import signal
import subprocess
import sys
import tempfile

from infra.processes.child import spawn, stop
from infra.processes.pids import find_process
from tests.e2e.running_instance import poll_until


def test_a_child_dies_with_a_parent_that_was_killed() -> None:
    code = "from infra.processes.child import spawn; print(spawn(['sleep', '600']).pid, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert find_process(child) is not None
        parent.kill()
    poll_until(lambda: find_process(child) is None)


def test_a_process_that_ignores_sigterm_is_killed() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    with tempfile.TemporaryFile() as log:
        child = spawn([sys.executable, "-c", code], log=log)
        poll_until(lambda: os.fstat(log.fileno()).st_size)
        stop([child], 0.1)
    assert child.returncode == -signal.SIGKILL
