"""A TCP proxy in front of one of the run's servers: it can refuse, drop, freeze and forget connections."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Self

ACCEPT_STEPS = 5
"""Turns of the event loop from an accepted socket to its transport; asyncio takes three."""


class TcpProxy:
    """Runs in a thread; `port` is where it listens, `dropped_count` how many connections it has dropped."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.dropped_count = 0
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._listener: socket.socket | None = None
        self._open_transports: set[asyncio.WriteTransport] = set()
        self._connections: set[asyncio.Task[None]] = set()
        self._flows = [_open_flow()]
        self.on_request: Callable[[bytes], bool] = lambda _: True
        """Called with what a client sends; if it returns False, the connection is dropped and nothing is sent on."""

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
            proxy.thaw()
            proxy.refuse_connections()
            proxy._run(proxy._end())
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

    def freeze(self) -> None:
        """Accept connections and data, but pass nothing on: as a server that was suspended."""
        self._loop.call_soon_threadsafe(self._flows[-1].clear)

    def thaw(self) -> None:
        """Pass everything on again, also what arrived meanwhile."""
        for flow in self._flows:
            self._loop.call_soon_threadsafe(flow.set)

    def forget(self) -> None:
        """Pass on nothing of the open connections, without closing them: as a network that has lost them."""
        self.freeze()
        self._flows.append(_open_flow())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.settimeout(0)
        self.port = self._listener.getsockname()[1]
        self._loop.add_reader(self._listener, self._accept, self._listener)

    async def _close(self) -> None:
        if self._listener:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        await self._drop()

    async def _drop(self) -> None:
        for _ in range(ACCEPT_STEPS):
            await asyncio.sleep(0)
        self.dropped_count += len(self._open_transports)
        for transport in self._open_transports:
            transport.abort()
        self._open_transports.clear()
        await asyncio.sleep(0.01)

    async def _end(self) -> None:
        """Let no connection outlive the proxy: not one that was just accepted, nor one that is being made."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._drop()

    def _accept(self, listener: socket.socket) -> None:
        """Accept here: an asyncio server that is closed meanwhile leaves the connection open (Python 3.11)."""
        with contextlib.suppress(BlockingIOError):
            self._connections.add(asyncio.create_task(self._serve(listener.accept()[0])))

    def _may_pass(self, data: bytes) -> bool:
        return self.on_request(data)

    async def _serve(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        self._open_transports.add(writer.transport)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._connect_and_copy(reader, writer)
        finally:
            writer.transport.abort()
            self._open_transports.discard(writer.transport)
            self._connections.discard(asyncio.current_task())

    async def _connect_and_copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        flow = self._flows[-1]
        try:
            await asyncio.gather(_copy(flow, reader, back, self._may_pass), _copy(flow, there, writer, lambda _: True))
        finally:
            back.transport.abort()


def _open_flow() -> asyncio.Event:
    """The flow of some connections: data passes while it is set."""
    flow = asyncio.Event()
    flow.set()
    return flow


async def _copy(
    flow: asyncio.Event,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    may_pass: Callable[[bytes], bool],
) -> None:
    while data := await reader.read(65_536):
        await flow.wait()
        if not may_pass(data):
            break
        writer.write(data)
        await writer.drain()
    writer.transport.abort()
