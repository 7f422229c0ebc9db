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
PAUSE_S = 2.0
"""How long a cache that failed is not asked again, so that not every request waits for it."""
T = TypeVar("T", bound=Struct)


class Kept:
    """Finds and keeps. A Redis that is away, or holds garbage, is no error: there is nothing then."""

    def __init__(self, cache: redis.asyncio.Redis) -> None:
        self._cache = cache
        self._back = 0.0

    async def find(self, key: str, kind: type[T]) -> T | None:
        """What stands there, if it is such a thing."""
        if time.monotonic() < self._back:
            return None
        try:
            found: Any = await self._cache.get(key)
            return msgspec.msgpack.decode(found, type=kind) if found else None
        except msgspec.DecodeError:
            return None
        except (redis.RedisError, OSError) as error:
            self._do_without(error)
            return None

    async def keep(self, key: str, value: Struct) -> None:
        """Let it stand there for minutes, in place of whatever does."""
        if time.monotonic() < self._back:
            return
        try:
            seconds = TTL_S + random.randrange(TTL_S // 5)  # noqa: S311 - so that not all expire at once
            await self._cache.set(key, msgspec.msgpack.encode(value), ex=seconds)
        except (redis.RedisError, OSError) as error:
            self._do_without(error)

    def _do_without(self, error: Exception) -> None:
        self._back = time.monotonic() + PAUSE_S
        logger.debug("without the cache: {}", error)
