"""Starts `taskledger worker` and `taskledger api` as processes on the servers of the test run."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.settings import ENVIRONMENT_PREFIX, Settings
from tests.e2e.running_instance import poll_until

PASSED_SETTINGS = ("database_url", "migration_url", "redis_url", "broker_url", "jwt_key", "address_key", "partitions")
ROOT = Path(__file__).parents[2]


class CliProcess(subprocess.Popen[bytes]):
    """One `taskledger` process; it writes its output to the file `output`."""

    output: Path

    def read_output(self) -> str:
        return self.output.read_text()

    def suspend(self) -> None:
        """Sends SIGSTOP and returns once the process has stopped."""
        self.send_signal(signal.SIGSTOP)
        poll_until(self.is_suspended)

    def resume(self) -> None:
        self.send_signal(signal.SIGCONT)

    def is_suspended(self) -> bool:
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@contextlib.contextmanager
def cli_process(
    settings: Settings, folder: Path, name: str, *arguments: str, patch_code: str = ""
) -> Iterator[CliProcess]:
    """Runs `taskledger ARGUMENTS`; it and its children execute `patch_code` first."""
    place = folder / name
    place.mkdir()
    (place / "sitecustomize.py").write_text(patch_code)
    paths = os.pathsep.join([str(place), str(ROOT)])
    named = {ENVIRONMENT_PREFIX + each.upper(): str(getattr(settings, each)) for each in PASSED_SETTINGS}
    argv = [sys.executable, "-P", "-m", "cli.main", *arguments, "--data", str(folder)]
    with (place / "output").open("wb") as output:
        env = {**os.environ, **named, "PYTHONPATH": paths}
        started = CliProcess(argv, env=env, stdout=output, stderr=output)
    started.output = place / "output"
    try:
        yield started
    finally:
        started.kill()  # a kill must be survived at any time, and needs no waiting
        started.wait()
