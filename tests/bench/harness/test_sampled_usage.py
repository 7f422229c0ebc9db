"""Sampled usage: of a process and its descendants."""

import os
import subprocess
import sys

import pytest

from bench.harness.sampled_usage import sample_usage, total_usage

pytestmark = pytest.mark.slow

CHILD_CODE = """
import time
held = b'1' * 50_000_000
while time.process_time() < 0.3: pass
print('held', flush=True); input()
"""
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD_CODE!r}])"


def test_descendants_are_counted() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"held\n"
        with sample_usage(parent.pid) as sampled:
            while sampled.peak_bytes == 0:
                pass
        assert sampled.peak_bytes > 50_000_000
        assert 0.3 < sampled.cpu_s < 3
        parent.communicate(b"\n")


def test_an_ended_process_has_no_usage() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert total_usage(gone.pid).rss_bytes == 0
    assert total_usage(os.getpid()).rss_bytes > 0
