"""Memory: what a process and its descendants hold."""

import os
import subprocess
import sys

from bench.harness.memory import held, watched

GREEDY = "held = b'1' * 50_000_000; print('held', flush=True); input()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {GREEDY!r}])"


def test_descendants_are_counted() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"held\n"
        with watched(parent.pid) as peak:
            while peak.bytes == 0:
                pass
        assert peak.bytes > 50_000_000
        parent.communicate(b"\n")


def test_who_is_gone_holds_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert held(gone.pid) == 0
    assert held(os.getpid()) > 0
