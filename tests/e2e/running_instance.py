"""Runs `taskledger serve` in a folder of the test, to be killed and restarted."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import httpx

from infra.errors import OperatorError
from infra.processes import data_directory

T = TypeVar("T")

TIMEOUT_S = 60.0


class RunningInstance:
    """`taskledger serve` on a data folder; `process` is the supervisor."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.options = options
        self.output = (data.parent / f"{data.name}.log").open("a")
        self.start()

    def start(self) -> None:
        """Start, and return once it is ready and has printed so."""
        self._log_offset = len(self.log())
        argv = [sys.executable, "-P", "-m", "cli.main", "serve", "--data", str(self.data), "--port", "0", *self.options]
        self.process = subprocess.Popen(argv, stdout=self.output, stderr=self.output)
        self.address = poll_until(self._address)

    def stop(self) -> int:
        """Send SIGTERM and wait for the end; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT_S)

    def kill(self, process_name: str) -> None:
        """Send SIGKILL to the child that `child` finds by this name, or to the supervisor."""
        if process_name == "supervisor":
            self.process.kill()
            self.process.wait(TIMEOUT_S)
            return
        os.kill(self.child(process_name), signal.SIGKILL)

    def child(self, process_name: str) -> int:
        """The pid of the child whose command line or folder contains `process_name`."""
        return next(pid for pid, command in self.children().items() if process_name in command)

    def children(self) -> dict[int, str]:
        """The command line and folder of each child of the supervisor, by pid."""
        pid = self.process.pid
        pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {int(child): _command_line(int(child)) for child in pids}

    def log(self) -> str:
        return Path(self.output.name).read_text()

    def database_url(self) -> str:
        """The current URL of PostgreSQL, from run.json."""
        return not_none(data_directory.find_running(self.data)).database_url

    def _address(self) -> str | None:
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(httpx.HTTPError, OperatorError):  # what a crash left of run.json may be unreadable
            run = data_directory.find_running(self.data)
            if run and run.pid == self.process.pid and httpx.get(f"{run.address}/health/ready").is_success:
                return run.address if "Ready after" in self.log()[self._log_offset :] else None
        return None


@contextlib.contextmanager
def running_instance(data: Path, *options: str) -> Iterator[RunningInstance]:
    """A running instance that is stopped at the end of the block."""
    started = RunningInstance(data, *options)
    try:
        yield started
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.stop()
        started.process.kill()
        started.output.close()


def poll_until(fetch: Callable[[], T | None], timeout_s: float = TIMEOUT_S) -> T:
    """Poll until `fetch` returns something truthy; fails after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not (found := fetch()):
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {fetch}"
        time.sleep(0.02)
    return found


def not_none(value: T | None) -> T:
    assert value is not None
    return value


def _command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        return f"{command} in {Path(f'/proc/{pid}/cwd').readlink().name}"
    return ""
