"""Resource usage: the CPU time and memory of processes while they are tracked."""

import os
import subprocess
import sys

import pytest

from bench.harness.resource_usage import track_usage, usage_by_kind

pytestmark = pytest.mark.slow

BUSY = "import time\nwhile time.process_time() < 0.4: pass\nprint('done', flush=True)\ninput()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"


def test_usage_includes_running_and_ended_children() -> None:
    with (
        track_usage({"us": os.getpid()}) as ours,
        subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent,
    ):
        with track_usage({"peer": parent.pid}) as found:
            assert parent.stdout
            assert parent.stdout.readline() == b"done\n"
        assert 0.3 < found["peer"].cpu_s < 2
        assert found["peer"].rss_bytes > 5_000_000
        parent.communicate(b"\n")
    assert ours["us"].cpu_s > 0.3


def test_processes_are_grouped_by_command_name() -> None:
    argv = [sys.executable, "-P", "-c", BUSY, "cli.main", "worker"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout
        worker.stdout.readline()
        assert list(usage_by_kind({"ours": worker.pid})) == ["worker"]
        worker.communicate(b"\n")


def test_an_ended_process_has_no_usage() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert usage_by_kind({"gone": gone.pid}) == {}
