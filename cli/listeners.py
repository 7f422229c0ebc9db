"""The listeners of an instance: the one of the API, which all its processes share, and one of each for metrics."""

import contextlib
import socket
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
            yield cls(api, metrics)

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
        return [listener.fileno() for listener in (self.api, *self.metrics[api_index : api_index + 1])]

    def options(self, api_index: int) -> list[str]:
        """How an API process is told what it inherits."""
        names = ("--fd", "--metrics-fd")
        return [word for option in zip(names, map(str, self.fds(api_index)), strict=False) for word in option]

    def close(self) -> None:
        """Close them all: otherwise the kernel would still accept connections that no process serves."""
        for listener in (self.api, *self.metrics):
            listener.close()
