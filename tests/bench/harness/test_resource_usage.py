"""Usage: what processes take while somebody watches."""

import os
import subprocess
import sys

from bench.harness.resource_usage import LOAD, used, watched

BUSY = "import time\nwhile time.process_time() < 0.4: pass\nprint('done', flush=True)\ninput()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"


def test_what_a_child_takes_is_its_familys_and_what_an_ended_one_took_too() -> None:
    with (
        watched({"us": os.getpid()}) as ours,
        subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent,
    ):
        with watched({"peer": parent.pid}) as found:
            assert parent.stdout
            assert parent.stdout.readline() == b"done\n"
        assert 0.3 < found["peer"].cpu_s < 2
        assert found["peer"].rss > 5_000_000
        parent.communicate(b"\n")
    assert ours["us"].cpu_s > 0.3
    assert ours[LOAD].cpu_s > 0.3


def test_our_commands_are_told_apart_by_their_names() -> None:
    argv = [sys.executable, "-P", "-c", BUSY, "cli.main", "worker"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout
        worker.stdout.readline()
        assert list(used({"ours": worker.pid})) == ["worker"]
        worker.communicate(b"\n")


def test_who_is_gone_uses_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert used({"gone": gone.pid}) == {}
