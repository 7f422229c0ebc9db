"""Subscription to Redis channels: messages in the order of publication, and whether any may have been missed.

Redis drops a message that has no subscriber. So code that relies on messages must check that the subscription is
alive: Redis answered a ping on this connection within the last second. Messages and pongs arrive in order, so all
messages published before that ping have been received.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.client import PubSub

from infra.backoff import Backoff
from infra.cancel import cancel_all
from infra.logs import logger

LIVENESS_S = 1.0
"""How long after a ping that was answered the subscription counts as alive."""
PING_INTERVAL_S = 0.25
PING_TIMEOUT_S = 3.0
"""A connection without a pong for this long is closed, and opened again."""
MAX_RECONNECT_PAUSE_S = 4.0
"""Caches are trusted again within five seconds after Redis is back."""
MessageHandler = Callable[[bytes], None]


class Subscription:
    """One Redis connection of a process, subscribed to all channels that it needs."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._handlers: dict[str, MessageHandler] = {}
        self._gap_handlers: list[Callable[[], None]] = []
        self._alive_until = 0.0

    def on_message(self, name: str, handler: MessageHandler) -> None:
        """Call `handler` with each message on the channel `name`. Register it before `listen` is called."""
        self._handlers[name] = handler

    def on_gap(self, handler: Callable[[], None]) -> None:
        """Call `handler` whenever messages may have been missed, before any later message is handled."""
        self._gap_handlers.append(handler)

    def is_alive(self) -> bool:
        """Whether every message published up to one second ago has been received."""
        return time.monotonic() < self._alive_until

    async def listen(self) -> None:
        """Receive messages until cancelled; reconnect after a failure."""
        backoff = Backoff(MAX_RECONNECT_PAUSE_S)
        while True:
            try:
                await self._listen_once()
            except (redis.RedisError, OSError) as error:
                logger.warning("the subscription is down: {}", error)
            except Exception as error:  # noqa: BLE001 - without the listener no cache is used
                logger.error("the subscription failed: {}: {}", type(error).__name__, error)
            if self._alive_until:
                backoff.reset()
            self._alive_until = 0.0
            await asyncio.sleep(backoff.pause_s())

    async def close(self) -> None:
        """Close the connections that `listen` opened. Call it after `listen` has ended."""
        await self._client.aclose(close_connection_pool=True)

    async def _listen_once(self) -> None:
        async with self._client.pubsub() as pubsub:
            await pubsub.subscribe(*self._handlers)
            tasks = [asyncio.create_task(self._consume(pubsub)), asyncio.create_task(self._ping(pubsub))]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await cancel_all(*tasks)
            for task in done:
                task.result()

    async def _consume(self, pubsub: PubSub) -> None:
        async for message in pubsub.listen():
            self._on_message(message["type"], message["channel"], message["data"])

    def _on_message(self, kind: str, channel: bytes | None, data: bytes) -> None:
        if kind == "message" and channel:
            self._dispatch(channel.decode(), data)
        elif kind == "subscribe":  # the first time or again: redis-py reconnects on its own
            self._alive_until = 0.0
            for handler in self._gap_handlers:
                handler()
        elif kind == "pong" and data:
            self._alive_until = float(data) + LIVENESS_S

    def _dispatch(self, channel: str, data: bytes) -> None:
        """Call the handler of a channel. If it fails, report a gap, since the message may have concerned anything."""
        try:
            self._handlers[channel](data)
        except Exception as error:  # noqa: BLE001 - a bad message must not end the subscription
            logger.warning("a message on {} could not be handled: {}: {}", channel, type(error).__name__, error)
            for handler in self._gap_handlers:
                handler()

    async def _ping(self, pubsub: PubSub) -> None:
        """Ping repeatedly, with the time of the ping as its payload. Raises ConnectionError if no pong arrives."""
        started_at = time.monotonic()
        while True:
            if time.monotonic() > max(started_at, self._alive_until) + PING_TIMEOUT_S:
                raise redis.ConnectionError("the connection is open, but Redis does not answer pings")
            await _send_ping(pubsub, str(time.monotonic()))
            await asyncio.sleep(PING_INTERVAL_S)


async def _send_ping(pubsub: PubSub, payload: str) -> None:
    """Send a ping without awaiting its pong; raises ConnectionError if the connection is lost.

    `PubSub.ping` would open a new connection then, while the consumer still reads from the lost one.
    """
    connection: Any = pubsub.connection
    if connection is None or not connection.is_connected:
        raise redis.ConnectionError("the connection was closed")
    await connection.send_command("PING", payload, check_health=False)
