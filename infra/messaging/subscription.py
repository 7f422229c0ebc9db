"""The channel: what other processes publish, heard in the order in which they said it, and whether all of it is heard.

A message that is sent to nobody is lost. So whoever goes by what is heard asks whether the channel is alive: the
server has answered us there within a second, and all that it was told before that answer has come before it.
"""

import asyncio
import time
from collections.abc import Callable

import redis
import redis.asyncio
from redis.asyncio.client import PubSub

from infra.cancel import cancel_all
from infra.logs import logger

LIVENESS_S = 1.0
"""How long after a question that was answered the channel is believed to be alive."""
PING_INTERVAL_S = 0.25
PING_TIMEOUT_S = 3.0
"""A connection on which nothing was answered for so long is given up."""
MessageHandler = Callable[[bytes], None]


class Subscription:
    """One subscription of a process, to all that it wants to hear."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._handlers: dict[str, MessageHandler] = {}
        self._gap_handlers: list[Callable[[], None]] = []
        self._alive_until = 0.0

    def on_message(self, name: str, handler: MessageHandler) -> None:
        """Give the messages of that name to a handler. Before `listen`."""
        self._handlers[name] = handler

    def on_gap(self, handler: Callable[[], None]) -> None:
        """Call it whenever messages may have been missed, before any that come after."""
        self._gap_handlers.append(handler)

    def is_alive(self) -> bool:
        """Whether everything that was published until a second ago has been heard."""
        return time.monotonic() < self._alive_until

    async def listen(self) -> None:
        """Hear, for ever; after a failure, connect again."""
        while True:
            try:
                await self._listen_once()
            except (redis.RedisError, OSError) as error:
                logger.warning("the subscription is down: {}", error)
            except Exception as error:  # noqa: BLE001 - whatever it is, without hearing nothing is believed
                logger.error("the subscription failed: {}: {}", type(error).__name__, error)
            finally:
                self._alive_until = 0.0
            await asyncio.sleep(LIVENESS_S)

    async def close(self) -> None:
        """Give back what `listen` opened, once it has ended."""
        await self._client.aclose(close_connection_pool=True)

    async def _listen_once(self) -> None:
        async with self._client.pubsub() as pubsub:
            await pubsub.subscribe(*self._handlers)
            both = [asyncio.create_task(self._consume(pubsub)), asyncio.create_task(self._ping(pubsub))]
            try:
                done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await cancel_all(*both)
            for task in done:
                task.result()

    async def _consume(self, pubsub: PubSub) -> None:
        async for message in pubsub.listen():
            self._on_message(message["type"], message["channel"], message["data"])

    def _on_message(self, kind: str, channel: bytes | None, data: bytes) -> None:
        if kind == "message" and channel:
            self._dispatch(channel.decode(), data)
        elif kind == "subscribe":  # for the first time, or again: the library may have connected anew by itself
            self._alive_until = 0.0
            for handler in self._gap_handlers:
                handler()
        elif kind == "pong" and data:
            self._alive_until = float(data) + LIVENESS_S

    def _dispatch(self, channel: str, data: bytes) -> None:
        """Whatever is wrong with a message, the next ones are heard; it may have been about anything."""
        try:
            self._handlers[channel](data)
        except Exception as error:  # noqa: BLE001 - what others say must not make us deaf
            logger.warning("a message on {} could not be handled: {}: {}", channel, type(error).__name__, error)
            for handler in self._gap_handlers:
                handler()

    async def _ping(self, pubsub: PubSub) -> None:
        """Ask the server again and again; what it answers is the time of the question. Raises where it does not."""
        began = time.monotonic()
        while True:
            if time.monotonic() > max(began, self._alive_until) + PING_TIMEOUT_S:
                raise redis.ConnectionError("the channel is open, and nobody answers")
            await pubsub.ping(str(time.monotonic()))
            await asyncio.sleep(PING_INTERVAL_S)
