"""The leases of a process, settled with Redis in the background: no request waits for it."""

import asyncio
import time
from typing import NoReturn

import redis
import redis.asyncio

from infra.logs import logger
from infra.rate_limits.keys import LimitKeys
from infra.rate_limits.lease import Lease
from infra.rate_limits.limit import RateLimit

SETTLE_INTERVAL_S = 0.05
RETRY_PAUSE_S = 2.0
"""Pause after a failed call before Redis is called again."""
MAX_LEASES = 20_000
"""In memory, whether Redis answers or not; those that are whole are dropped first, then the oldest."""
MAX_KEYS_PER_CALL = 500
MAX_DEBT_WINDOWS = 2
"""How far a level may rise, in windows, when several processes report at once."""
_SETTLE_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local levels = {}
for i, key in ipairs(KEYS) do
  local level = math.max(tonumber(redis.call('GET', key) or now) - now, 0) + ARGV[2 * i - 1]
  levels[i] = math.min(level, tonumber(ARGV[2 * i]))
  if levels[i] > 0 then
    redis.call('SET', key, string.format('%.0f', now + levels[i]), 'PX', math.ceil(levels[i] / 1000))
  end
end
return levels
"""


def now_us() -> int:
    """The clock of leases."""
    return time.monotonic_ns() // 1000


class Leases:
    """Leases by their limit and by whose they are."""

    def __init__(self, client: redis.asyncio.Redis, master_key: str) -> None:
        self._settle_script = client.register_script(_SETTLE_SCRIPT)
        self._keys = LimitKeys(master_key)
        self._leases: dict[str, Lease] = {}
        self.touched: list[Lease] = []
        self.generation = 0

    def find(self, limit: RateLimit, owner: str) -> Lease:
        """The lease of an owner, new or as it is. It may be kept until `generation` changes."""
        name = f"{limit.name} of {owner}"
        lease = self._leases.get(name)
        if lease is None:
            if len(self._leases) >= MAX_LEASES:
                self._drop_surplus()
            lease = self._leases[name] = Lease(self._keys.key(name), limit)
        return lease

    async def settle_forever(self) -> NoReturn:
        """Settle what was let through, every few milliseconds; while Redis is away, try again now and then."""
        is_away = False
        while True:
            await asyncio.sleep(SETTLE_INTERVAL_S)
            try:
                await self.settle()
                is_away = False
            except (redis.RedisError, OSError) as error:
                if not is_away:
                    logger.warning("Redis does not answer; this process counts requests alone: {}", error)
                is_away = True
                await asyncio.sleep(RETRY_PAUSE_S)

    async def settle(self) -> None:
        """Settle all leases that let something through; raises RedisError or OSError, and then keeps them."""
        batch, self.touched = self.touched, []
        for lease in batch:
            lease.is_open = False
        while batch:
            part, now = batch[-MAX_KEYS_PER_CALL:], now_us()
            try:
                levels = await self._settle_script(
                    keys=[lease.key for lease in part],
                    args=[one for lease in part for one in _script_arguments(lease, now)],
                )
            except BaseException:
                self._keep(batch)
                raise
            for lease, level in zip(part, levels, strict=True):
                lease.end_settling(now_us(), level)
            del batch[-MAX_KEYS_PER_CALL:]

    def _keep(self, batch: list[Lease]) -> None:
        """Keep those that could not be settled, unless they were dropped meanwhile."""
        held = set(self._leases.values())
        for lease in batch:
            if not lease.is_open and lease in held:
                lease.is_open = True
                self.touched.append(lease)

    def _drop_surplus(self) -> None:
        """Drop at least half of all; what those owe to Redis is forgotten."""
        now = now_us()
        kept = [(name, lease) for name, lease in self._leases.items() if lease.is_open or lease.level_us(now)]
        self._leases = dict(kept[-MAX_LEASES // 2 :])
        held = set(self._leases.values())
        self.touched = [lease for lease in self.touched if lease in held]
        self.generation += 1


def _script_arguments(lease: Lease, now: int) -> tuple[int, int]:
    """What to add to the level, and its maximum."""
    return lease.begin_settling(now) * lease.interval_us, MAX_DEBT_WINDOWS * lease.limit.window_us
