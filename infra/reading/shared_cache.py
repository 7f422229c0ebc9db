"""Kept: what is kept in Redis for all processes, each under its own key and for minutes; losing it costs a query."""

import random
import time
from typing import Any, TypeVar

import msgspec
import redis
import redis.asyncio
from msgspec import Struct

from infra.logs import logger

TTL_S = 300
FAILURE_PAUSE_S = 2.0
"""How long a cache that failed is not asked again, so that not every request waits for it."""
T = TypeVar("T", bound=Struct)


class SharedCache:
    """Finds and keeps. A Redis that is away, or holds garbage, is no error: there is nothing then."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._paused_until = 0.0

    async def get(self, key: str, value_type: type[T]) -> T | None:
        """What stands there, if it is such a thing."""
        if time.monotonic() < self._paused_until:
            return None
        try:
            data: Any = await self._client.get(key)
            return msgspec.msgpack.decode(data, type=value_type) if data else None
        except msgspec.DecodeError:
            return None
        except (redis.RedisError, OSError) as error:
            self._pause(error)
            return None

    async def set(self, key: str, value: Struct) -> None:
        """Let it stand there for minutes, in place of whatever does."""
        if time.monotonic() < self._paused_until:
            return
        try:
            seconds = TTL_S + random.randrange(TTL_S // 5)  # noqa: S311 - so that not all expire at once
            await self._client.set(key, msgspec.msgpack.encode(value), ex=seconds)
        except (redis.RedisError, OSError) as error:
            self._pause(error)

    def _pause(self, error: Exception) -> None:
        self._paused_until = time.monotonic() + FAILURE_PAUSE_S
        logger.debug("without the cache: {}", error)
