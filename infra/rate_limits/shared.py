"""Shared rate limits: the attempts that all processes let through, in Redis."""

import time

import redis
import redis.asyncio

from infra.logs import logger
from infra.rate_limits.limit import MICROSECONDS_PER_S, LimitsByKey

REDIS_RETRY_PAUSE_S = 2.0
"""Pause after a failed call before Redis is called again."""
_CHARGE_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local times, wait, which = {}, 0, 0
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  times[i] = math.max(tonumber(redis.call('GET', key) or now), now) + interval
  local early = times[i] - burst * interval - now
  if early > wait then wait, which = early, i end
end
if which > 0 then return {which, wait} end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', times[i]), 'PX', math.ceil((times[i] - now) / 1000))
end
return {0, 0}
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

    async def charge(self, limits: LimitsByKey) -> tuple[float, int, bool]:
        """The seconds to wait (0: charged), the limit to wait for, and whether Redis answered."""
        if limits and time.monotonic() >= self._retry_at:
            try:
                which, wait = await self._charge_script(keys=list(limits), args=_script_arguments(limits))
            except (redis.RedisError, OSError) as error:
                self._pause(error)
            else:
                return wait / MICROSECONDS_PER_S, which - 1, True
        return 0.0, 0, False

    async def refund(self, limits: LimitsByKey) -> None:
        if limits:
            try:
                await self._refund_script(keys=list(limits), args=_script_arguments(limits))
            except (redis.RedisError, OSError) as error:
                self._pause(error)

    def _pause(self, error: Exception) -> None:
        if time.monotonic() >= self._retry_at:
            logger.warning("Redis does not answer; this process counts rate limits alone: {}", error)
        self._retry_at = time.monotonic() + REDIS_RETRY_PAUSE_S


def _script_arguments(limits: LimitsByKey) -> list[int]:
    return [number for limit in limits.values() for number in (limit.interval_us, limit.burst)]
