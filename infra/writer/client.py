"""The client of the writer: relays commands to it, and knows whether it is there."""

import asyncio
from pathlib import Path

import msgspec

from commands.handling.append import OutcomeUnknown
from commands.handling.outcome import Committed
from commands.handling.request import CommandRequest
from infra import time_budget
from infra.logs import logger
from infra.writer.frames import HERE, FrameProtocol, RelayedRequest, Reply

RECONNECT_PAUSE_S = 0.2
REPLY_S = time_budget.APPEND_S + time_budget.STALL_GRACE_S
"""For a reply: the writer's own append has less."""
_decode = msgspec.msgpack.Decoder(Reply).decode


class WriterClient:
    """A connection to the writer, made again whenever it is lost."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: _Connection | None = None
        self._last_number = 0

    @property
    def is_up(self) -> bool:
        """Whether the writer has said that it is there."""
        return self._connection is not None and self._connection.is_up

    async def connect_forever(self) -> None:
        """Keep a connection, until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    _, self._connection = await loop.create_unix_connection(_Connection, str(self._path))
                    await self._connection.lost
                except OSError as error:
                    logger.debug("cannot reach the writer: {}", error)
                await asyncio.sleep(RECONNECT_PAUSE_S)
        finally:
            if self._connection:
                self._connection.close()

    async def carry_out(self, request: CommandRequest) -> Committed | None:
        """What was committed; None if nothing was written, so that the caller can find out why.

        Raises OutcomeUnknown if the writer does not answer in time, or was lost meanwhile.
        """
        connection = self._connection
        if connection is None or not connection.is_up:
            return None
        self._last_number += 1
        reply = await connection.request(RelayedRequest.of(self._last_number, request))
        if reply.is_unknown:
            raise OutcomeUnknown
        return reply.committed


class _Connection(FrameProtocol):
    def __init__(self) -> None:
        super().__init__()
        self.is_up = False
        self._last_received_at = 0.0
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self._waiting = dict[int, tuple[asyncio.Future[Reply], float]]()
        self._timer: asyncio.TimerHandle | None = None

    async def request(self, relayed: RelayedRequest) -> Reply:
        """Send a request and wait for its reply.

        After too long, its outcome is unknown; if the writer has sent nothing meanwhile, it is given up for all.
        """
        future: asyncio.Future[Reply] = self._loop.create_future()
        now = self._loop.time()
        self._waiting[relayed.number] = future, now
        if self._timer is None:
            self._timer = self._loop.call_at(now + REPLY_S, self._give_up_oldest)
        try:
            self.send(relayed)
            return await future
        finally:
            self._waiting.pop(relayed.number, None)

    def _give_up_oldest(self) -> None:
        """Give up what has waited too long, and look again when the next one has; one timer serves all requests."""
        self._timer, due = None, self._loop.time() - REPLY_S
        for number, (_, sent_at) in list(self._waiting.items()):
            if sent_at > due:
                self._timer = self._loop.call_at(sent_at + REPLY_S, self._give_up_oldest)
                return
            if self._last_received_at < sent_at:
                self.close()
            else:
                self._settle(Reply(number, is_unknown=True))

    def message_received(self, message: bytes) -> None:
        reply = _decode(message)
        self._last_received_at = self._loop.time()
        if reply.number == HERE.number:
            self.is_up = reply == HERE
        self._settle(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.is_up = False
        if self._timer:
            self._timer.cancel()
        for number in self._waiting:
            self._settle(Reply(number, is_unknown=True))
        if not self.lost.done():
            self.lost.set_result(None)

    def _settle(self, reply: Reply) -> None:
        future, _ = self._waiting.get(reply.number, (None, 0.0))
        if future and not future.done():
            future.set_result(reply)
