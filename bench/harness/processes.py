"""The processes of a run: Taskledger and the peers, stopped when the run ends."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import msgspec
from msgspec import Struct

from bench.harness.peer_config import PeerConfig
from cli.subcommand_process import answers_200
from infra.processes import data_directory, ports
from infra.processes.child import Child, spawn, stop
from infra.processes.data_directory import RunInfo

_USER_PYTHON = Path(__file__).parents[2] / ".venv" / "bin" / "python"
TASKLEDGER_PYTHON = str(_USER_PYTHON) if _USER_PYTHON.exists() else sys.executable
"""The Python that runs Taskledger: from `.venv`, as users have it, without the packages of the bench."""
MAX_START_S = 60.0
MAX_STOP_S = 12.0
_SETTINGS_PREFIX = "TASKLEDGER_"


class PeerProcess(Struct, frozen=True):
    """The address of a peer, and its first process."""

    address: str
    pid: int


@contextlib.contextmanager
def start_taskledger(data: Path, api_processes: int) -> Iterator[RunInfo]:
    """Start an instance as `serve` does: a worker with all projections, and `api_processes` API processes."""
    with start_command(data, "serve", "--port", "0", "--api", str(api_processes)) as child:
        wait_until(child, lambda: data_directory.find_running(data) is not None)
        run = cast("RunInfo", data_directory.find_running(data))
        wait_until(child, lambda: answers_200(f"{run.address}/health/ready"))
        yield run


@contextlib.contextmanager
def start_command(
    data: Path, *arguments: str, pass_fds: Sequence[int] = (), environment: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """Run a Taskledger command until the block ends, without our own TASKLEDGER_ variables, only with `environment`.

    Rate limits are off: a load from one user at one address is what they are for.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS_PREFIX)}
    kept["TASKLEDGER_RATE_LIMITS"] = "off"
    argv: list[str | Path] = [TASKLEDGER_PYTHON, "-P", "-m", "cli.main", *arguments, "--data", data]
    with data.with_suffix(".log").open("ab") as log, contextlib.ExitStack() as ending:
        child = spawn(argv, env={**kept, **(environment or {})}, log=log, pass_fds=pass_fds)
        ending.callback(stop, [child], MAX_STOP_S)
        yield child


@contextlib.contextmanager
def start_peer(name: str, folder: Path, config: PeerConfig) -> Iterator[PeerProcess]:
    """Start a peer; its socket already accepts connections."""
    with ports.open_listener(ports.LOOPBACK, 0) as listener, contextlib.ExitStack() as ending:
        file = folder / f"{name}.json"
        file.write_bytes(msgspec.json.encode(msgspec.structs.replace(config, fd=listener.fileno())))
        argv: list[str | Path] = [sys.executable, "-m", "bench.peers", name, file]
        child = spawn(argv, pass_fds=[listener.fileno()])
        ending.callback(stop, [child], MAX_STOP_S)
        yield PeerProcess(ports.listener_url(listener), child.pid)


def wait_until(child: Child, condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; raises RuntimeError if the child ends first or takes too long."""
    deadline = time.monotonic() + MAX_START_S
    while not condition():
        if child.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The process did not start: {child.args!r}")
        time.sleep(0.05)
