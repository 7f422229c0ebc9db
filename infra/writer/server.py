"""The server of the writer: carries out what the other API processes of the machine relay to it."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from commands.handling.append import OutcomeUnknown
from commands.handling.outcome import Committed
from commands.handling.request import CommandRequest
from infra import time_budget
from infra.cancel import cancel_all
from infra.logs import logger
from infra.writer.frames import GONE, HERE, FrameProtocol, RelayedRequest, Reply

FAREWELL_S = 0.1
"""How long a writer that goes still takes requests: those that were sent before its processes knew."""
_decode = msgspec.msgpack.Decoder(RelayedRequest).decode


class WriterServer:
    """Listens on a socket that only processes of the same user reach."""

    def __init__(self, listener: socket.socket, handle: Callable[[CommandRequest], Awaitable[Committed]]) -> None:
        self._listener = listener
        self._handle = handle
        self._server: asyncio.Server | None = None
        self._tasks = set[asyncio.Task[None]]()
        self._connections = set[_Connection]()

    async def start(self) -> None:
        """Accept connections."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Connection(self), sock=self._listener)

    async def close(self) -> None:
        """Tell all that this writer goes, finish what they have sent, and close their connections."""
        if self._server:
            self._server.close()
        for connection in self._connections:
            connection.send(GONE)
        await asyncio.sleep(FAREWELL_S)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=time_budget.APPEND_S)
        await cancel_all(*self._tasks)
        for connection in list(self._connections):
            connection.close()

    def add(self, connection: "_Connection") -> None:
        """Greet a new connection."""
        self._connections.add(connection)
        connection.send(HERE)

    def remove(self, connection: "_Connection") -> None:
        """Forget a connection that is lost."""
        self._connections.discard(connection)

    def carry_out(self, connection: "_Connection", message: bytes) -> None:
        """Carry out a request and reply."""
        task = asyncio.create_task(self._reply(connection, message), name="relayed command")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reply(self, connection: "_Connection", message: bytes) -> None:
        relayed = _decode(message)
        committed, is_unknown = None, False
        try:
            committed = await self._handle(relayed.to_request())
        except OutcomeUnknown:
            is_unknown = True
        except Exception as error:  # noqa: BLE001 - the process that relayed it finds out the same
            logger.debug("a relayed command was not carried out: {}", type(error).__name__)
        connection.send(Reply(relayed.number, committed, is_unknown))


class _Connection(FrameProtocol):
    """A connection of another API process."""

    def __init__(self, server: WriterServer) -> None:
        super().__init__()
        self._server = server

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._server.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._server.remove(self)

    def message_received(self, message: bytes) -> None:
        self._server.carry_out(self, message)
