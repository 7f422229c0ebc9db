"""The UmaDB peer: its server as its wheel brings it, and the plan of those who append."""

import contextlib
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from bench.harness.processes import FOR_STOPPING_S, Peer, wait
from infra.processes import ports
from infra.processes.child import spawn, stop


class Plan(Struct, frozen=True):
    """How many threads append at which server, for how long."""

    address: str
    threads: int
    seconds: float


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Peer]:
    """A server that answers; everything as it is by default, so durable."""
    folder.mkdir()
    port = ports.free()
    argv: list[str | Path] = [Path(sys.executable).with_name("umadb"), "--db-path", folder]
    with folder.with_suffix(".log").open("wb") as log, contextlib.ExitStack() as ending:
        child = spawn([*argv, "--listen", f"{ports.LOOPBACK}:{port}"], log=log)
        ending.callback(stop, [child], FOR_STOPPING_S)
        wait(child, lambda: _listens(port))
        yield Peer(f"http://{ports.LOOPBACK}:{port}", child.pid)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((ports.LOOPBACK, port), timeout=1):
        return True
    return False
