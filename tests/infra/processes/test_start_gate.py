"""A process waits at the start gate until it opens, and one that starts later passes."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from infra.processes.start_gate import StartGate

WAITING = "import sys; from infra.processes import start_gate; print('here', flush=True); "
WAITING += "start_gate.wait_at(int(sys.argv[1])); print('passed')"


@pytest.fixture
def gate() -> Iterator[StartGate]:
    gate = StartGate()
    yield gate
    gate.close()


def waiting_process(gate: StartGate) -> subprocess.Popen[bytes]:
    """A process that has come to the gate."""
    argv = [sys.executable, "-c", WAITING, str(gate.fd)]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, bufsize=0, pass_fds=[gate.fd])
    assert child.stdout
    assert child.stdout.readline() == b"here\n"
    return child


def test_processes_wait_until_the_gate_opens_and_later_ones_pass(gate: StartGate) -> None:
    with waiting_process(gate) as first:
        with pytest.raises(subprocess.TimeoutExpired):
            first.wait(0.2)
        gate.open()
        assert first.communicate(timeout=10)[0] == b"passed\n"
    with waiting_process(gate) as later:
        assert later.communicate(timeout=10)[0] == b"passed\n"
