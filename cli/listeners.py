"""The listeners of an instance: the one of the API, which all its processes share, and one of each for metrics."""

import contextlib
import socket
import tempfile
from collections.abc import Iterator
from typing import Self

from msgspec import Struct

from infra import settings
from infra.processes import ports


class Listeners(Struct, frozen=True):
    """Sockets that are bound and listen before a process is started that serves them."""

    api: socket.socket
    metrics: list[socket.socket]
    """One for each API process, as each has counters of its own; none if no port is set for metrics."""
    writer: socket.socket | None = None
    """Where the first of several API processes carries out the commands of the others."""

    @classmethod
    @contextlib.contextmanager
    def open(cls, host: str, port: int, api_processes: int, wait_s: float) -> Iterator[Self]:
        """Wait up to `wait_s` seconds for a former run to release the ports."""
        with contextlib.ExitStack() as opened:
            api = opened.enter_context(ports.open_listener(host, port, wait_s))
            address = settings.metrics_address()
            metrics = (
                opened.enter_context(ports.open_consecutive_listeners(*address, api_processes, wait_s, ports.METRICS))
                if address
                else []
            )
            writer = opened.enter_context(_open_writer_listener()) if api_processes > 1 else None
            yield cls(api, metrics, writer)

    @property
    def base_url(self) -> str:
        return ports.listener_url(self.api)

    @property
    def metrics_port(self) -> int | None:
        """The first of the ports for metrics."""
        return self.metrics[0].getsockname()[1] if self.metrics else None

    def metrics_urls(self) -> list[str]:
        return [f"{ports.listener_url(one)}/metrics" for one in self.metrics]

    def fds(self, api_index: int) -> list[int]:
        """What an API process inherits."""
        return [listener.fileno() for listener in self._inherited(api_index).values()]

    def options(self, api_index: int) -> list[str]:
        """How an API process is told what it inherits."""
        fds = {name: str(listener.fileno()) for name, listener in self._inherited(api_index).items()}
        if self.writer and api_index:
            fds["--writer"] = self.writer.getsockname()
        return [word for option in fds.items() for word in option]

    def close(self) -> None:
        """Close them all: otherwise the kernel would still accept connections that no process serves."""
        for listener in (self.api, *self.metrics, *([self.writer] if self.writer else [])):
            listener.close()

    def _inherited(self, api_index: int) -> dict[str, socket.socket]:
        """The sockets of an API process, by the options that tell it of them."""
        metrics = {"--metrics-fd": self.metrics[api_index]} if self.metrics else {}
        writer = {"--writer-fd": self.writer} if self.writer and not api_index else {}
        return {"--fd": self.api, **metrics, **writer}


@contextlib.contextmanager
def _open_writer_listener() -> Iterator[socket.socket]:
    """A Unix socket in a folder of its own, which only this user can enter; a path in the data may be too long."""
    with tempfile.TemporaryDirectory(prefix="taskledger-") as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/writer")
        listener.listen()
        yield listener
