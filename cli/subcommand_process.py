"""`taskledger` subcommands as child processes of `taskledger serve`."""

import contextlib
import http.client
import os
import sys
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO

from infra.processes.child import Child, spawn
from infra.processes.start_gate import StartGate


class SubcommandProcess:
    """`taskledger NAME --data DIR ...`, kept running; ready when `ready_url`, if given, answers 200."""

    log: Path | None = None

    def __init__(
        self,
        name: str,
        arguments: Sequence[str | Path],
        pass_fds: Sequence[int] = (),
        ready_url: str | None = None,
        variables: Mapping[str, str] = MappingProxyType({}),
        *,
        start_gate: StartGate | None = None,
    ) -> None:
        """`name` is the display name; `variables` are added to our environment; it waits at the gate, if given."""
        self.name = name
        self.arguments = [*arguments, *(("--after-fd", str(start_gate.fd)) if start_gate else ())]
        self.pass_fds = [*pass_fds, *((start_gate.fd,) if start_gate else ())]
        self.ready_url = ready_url
        self.variables = variables
        self.start_gate = start_gate

    def prepare(self) -> None:
        """Needs no preparation."""

    def can_start(self) -> bool:
        """Always: several may run at once."""
        return True

    def kill_stale(self) -> None:
        """Does nothing: a process of a former run is not in the way."""

    def spawn(self) -> Child:
        """Start it; its output goes to ours, its log to our standard error."""
        return spawn_taskledger(self.arguments, pass_fds=self.pass_fds, variables=self.variables)

    def is_ready(self, child: Child) -> bool:
        """Whether it is alive, may start, and its ready URL, if any, answers 200."""
        may_start = self.start_gate is None or self.start_gate.is_open
        return child.poll() is None and may_start and (self.ready_url is None or answers_200(self.ready_url))

    def diagnosis(self) -> str:
        """Nothing: it explains itself."""
        return ""


def spawn_taskledger(
    arguments: Sequence[str | Path],
    log: IO[bytes] | None = None,
    pass_fds: Sequence[int] = (),
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Child:
    """Start `taskledger` with these arguments; without `log`, its output and errors go where ours go."""
    # -P: a folder called `api` or `cli` in the current directory must not shadow our package.
    argv = [sys.executable, "-P", "-m", "cli.main", *arguments]
    return spawn(argv, env={**os.environ, **variables}, log=log, pass_fds=pass_fds)


def answers_200(url: str) -> bool:
    """Whether a GET answers 200 within a second."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=1)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", parts.path)
        return connection.getresponse().status == http.HTTPStatus.OK
    return False
