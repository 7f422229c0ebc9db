"""A TCP proxy in front of one of the run's servers: it can refuse connections and drop open ones."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, Self


class TcpProxy:
    """Runs in a thread; `port` is where it listens, `dropped_count` how many connections it has dropped."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.dropped_count = 0
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._open_transports: set[asyncio.WriteTransport] = set()

    @classmethod
    @contextlib.contextmanager
    def in_front_of(cls, host: str, port: int) -> Iterator[Self]:
        proxy = cls(host, port)
        thread = threading.Thread(target=proxy._loop.run_forever)
        thread.start()
        try:
            proxy.accept_connections()
            yield proxy
        finally:
            proxy.refuse_connections()
            proxy._loop.call_soon_threadsafe(proxy._loop.stop)
            thread.join()
            proxy._loop.close()

    def accept_connections(self) -> None:
        """Accept connections."""
        self._run(self._listen())

    def refuse_connections(self) -> None:
        """Refuse new connections, and drop the open ones."""
        self._run(self._close())

    def drop_connections(self) -> int:
        """Drop all connections; returns how many were dropped so far."""
        self._run(self._drop())
        return self.dropped_count

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server:
            self._server.close()
        await self._drop()

    async def _drop(self) -> None:
        self.dropped_count += len(self._open_transports)
        for transport in self._open_transports:
            transport.abort()
        self._open_transports.clear()
        await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            there, back = await asyncio.open_connection(*self._target)
            self._open_transports.add(writer.transport)
            try:
                await asyncio.gather(_copy(reader, back), _copy(there, writer))
            finally:
                back.transport.abort()
                writer.transport.abort()
                self._open_transports.discard(writer.transport)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.transport.abort()
