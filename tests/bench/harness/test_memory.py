"""Memory: the usage of a process and its descendants."""

import os
import subprocess
import sys

from bench.harness.memory import resident_bytes, track_peak_memory

CHILD_CODE = "held = b'1' * 50_000_000; print('held', flush=True); input()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD_CODE!r}])"


def test_descendants_are_counted() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"held\n"
        with track_peak_memory(parent.pid) as peak:
            while peak.bytes == 0:
                pass
        assert peak.bytes > 50_000_000
        parent.communicate(b"\n")


def test_an_ended_process_has_no_memory() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert resident_bytes(gone.pid) == 0
    assert resident_bytes(os.getpid()) > 0
