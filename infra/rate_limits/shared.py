"""Shared rate limits: the attempts that all processes let through, in Redis."""

import time

import redis
import redis.asyncio

from infra.logs import logger
from infra.rate_limits.limit import Charge, LimitsByKey

REDIS_RETRY_PAUSE_S = 2.0
"""Pause after a failed call before Redis is called again."""
_CHARGE_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local times, wait, nearest = {}, nil, 0
for i, key in ipairs(KEYS) do
  local interval, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  times[i] = math.max(tonumber(redis.call('GET', key) or now), now) + interval
  local early = times[i] - now - window
  if not wait or early > wait then wait, nearest = early, i end
end
if wait <= 0 then
  for i, key in ipairs(KEYS) do
    redis.call('SET', key, string.format('%.0f', times[i]), 'PX', math.ceil((times[i] - now) / 1000))
  end
end
return {math.max(wait, 0), nearest, times[nearest] - now}
"""
_REFUND_SCRIPT = """
for i, key in ipairs(KEYS) do
  local at = redis.call('GET', key)
  if at then redis.call('SET', key, string.format('%.0f', at - ARGV[2 * i - 1]), 'KEEPTTL') end
end
"""


class SharedRateLimits:
    """Counts by the clock of Redis, in one call: exact over all processes while Redis answers."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._charge_script = client.register_script(_CHARGE_SCRIPT)
        self._refund_script = client.register_script(_REFUND_SCRIPT)
        self._retry_at = 0.0

    async def charge(self, limits: LimitsByKey) -> Charge | None:
        """Charge all of them, at least one, or none; None if Redis does not answer."""
        if time.monotonic() < self._retry_at:
            return None
        try:
            wait, nearest, level = await self._charge_script(keys=list(limits), args=_script_arguments(limits))
        except (redis.RedisError, OSError) as error:
            self._pause(error)
            return None
        return Charge(wait, list(limits.values())[nearest - 1], level, is_shared=True)

    async def refund(self, limits: LimitsByKey) -> None:
        try:
            await self._refund_script(keys=list(limits), args=_script_arguments(limits))
        except (redis.RedisError, OSError) as error:
            self._pause(error)

    def _pause(self, error: Exception) -> None:
        if time.monotonic() >= self._retry_at:
            logger.warning("Redis does not answer; this process counts rate limits alone: {}", error)
        self._retry_at = time.monotonic() + REDIS_RETRY_PAUSE_S


def _script_arguments(limits: LimitsByKey) -> list[int]:
    return [number for limit in limits.values() for number in (limit.interval_us, limit.window_us)]
