"""The UmaDB peer: the server from its wheel, and the plan for its clients."""

import contextlib
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from bench.harness.processes import MAX_STOP_S, PeerProcess, wait_until
from bench.harness.tally import WARM_UP_S
from infra.processes import ports
from infra.processes.child import spawn, stop


class UmadbPlan(Struct, frozen=True):
    """The server's address, how many threads append, and for how long."""

    address: str
    threads: int
    seconds: float
    warm_up_s: float = WARM_UP_S


@contextlib.contextmanager
def start_server(folder: Path) -> Iterator[PeerProcess]:
    """Start a server that accepts connections, with default settings, which are durable."""
    folder.mkdir()
    port = ports.find_free_port()
    argv: list[str | Path] = [Path(sys.executable).with_name("umadb"), "--db-path", folder]
    with folder.with_suffix(".log").open("wb") as log, contextlib.ExitStack() as ending:
        child = spawn([*argv, "--listen", f"{ports.LOOPBACK}:{port}"], log=log)
        ending.callback(stop, [child], MAX_STOP_S)
        wait_until(child, lambda: _is_listening(port))
        yield PeerProcess(f"http://{ports.LOOPBACK}:{port}", child.pid)


def _is_listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((ports.LOOPBACK, port), timeout=1):
        return True
    return False
