"""The shared cache: values in Redis for all processes, each for a few minutes; losing one costs a query."""

import random
import time
from typing import Any, TypeVar

import msgspec
import redis
import redis.asyncio
from msgspec import Struct

from infra.logs import logger
from infra.time_budget import REDIS_PAUSE_S

TTL_S = 300
T = TypeVar("T", bound=Struct)


class SharedCache:
    """Gets and sets. If Redis is away or a value is garbage, that is a miss and not an error."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._paused_until = 0.0

    def is_paused(self) -> bool:
        """Whether Redis is left alone, as it has just failed."""
        return time.monotonic() < self._paused_until

    async def get(self, key: str, value_type: type[T]) -> T | None:
        """The value, if there is one of this type."""
        if self.is_paused():
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
        """Set the value for a few minutes, over any other."""
        if self.is_paused():
            return
        try:
            seconds = TTL_S + random.randrange(TTL_S // 5)  # noqa: S311 - so that not all expire at once
            await self._client.set(key, msgspec.msgpack.encode(value), ex=seconds)
        except (redis.RedisError, OSError) as error:
            self._pause(error)

    def _pause(self, error: Exception) -> None:
        self._paused_until = time.monotonic() + REDIS_PAUSE_S
        logger.debug("Redis cache unavailable: {}", error)
