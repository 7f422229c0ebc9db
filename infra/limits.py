"""Limits on guessing: wrong passwords are counted by account and address, and by address; right ones are not."""

import contextlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from hmac import digest
from math import ceil
from uuid import UUID

import redis
import redis.asyncio
from msgspec import Struct

from domain.errors import TooManyGuesses
from infra import secret
from infra.logs import logger

PAUSE_S = 2.0
"""How long a Redis that failed is not asked again."""
MOST = 10_000
"""Keys of the bucket that counts while Redis is away; the one asked for the longest ago goes first."""
MICROSECONDS = 1_000_000


class Limit(Struct, frozen=True):
    """So many at once, and then one every `interval_s` seconds (GCRA, the generic cell rate algorithm)."""

    name: str
    burst: int
    interval_s: int


ACCOUNT = Limit("account", 10, 60)
"""Of one account from one address: 70 in the first hour, where ASVS allows 100. Strangers elsewhere lock nobody out."""
ADDRESS = Limit("address", 100, 6)
"""From one address, whatever the account."""
GUESS = (ACCOUNT, ADDRESS)
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local times, wait, which = {}, 0, 0
for i, key in ipairs(KEYS) do
  local interval, burst = ARGV[2 * i - 1] * 1000000, tonumber(ARGV[2 * i])
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
_GIVE_BACK = """
for i, key in ipairs(KEYS) do
  local at = redis.call('GET', key)
  if at then redis.call('SET', key, string.format('%.0f', at - ARGV[2 * i - 1] * 1000000), 'KEEPTTL') end
end
"""


class Limits:
    """Counts in Redis, by its clock, in one call: exact, however many processes ask. In memory while it is away.

    A guess is taken before it is made, and given back where it was right. So guesses made side by side are counted
    too, and whoever knows the password meets no limit. Keys say neither account nor address to who reads them.
    """

    def __init__(self, client: redis.asyncio.Redis, master: str, *, on: bool) -> None:
        self._take = client.register_script(_TAKE)
        self._give_back = client.register_script(_GIVE_BACK)
        self._key = secret.key(master, "limits on guessing")
        self._on = on
        self._local = Bucket()
        self._back = 0.0

    @contextlib.asynccontextmanager
    async def guess(self, account: UUID, address: str) -> AsyncIterator[None]:
        """Counts as a guess unless it ends well; raises TooManyGuesses before it begins."""
        if not self._on:
            yield
            return
        place = network(address)
        keys = [self._digest(f"{account} {place}"), self._digest(place)]
        wait, which, shared = await self._taken(keys)
        if wait:
            limit = GUESS[which]
            window = limit.burst * limit.interval_s
            raise TooManyGuesses(policy=limit.name, quota=limit.burst, window=window, retry_after=ceil(wait))
        yield
        await self._returned(keys, shared=shared)

    async def _taken(self, keys: Sequence[str]) -> tuple[float, int, bool]:
        """How many seconds to wait, for which limit, and whether it was Redis that said so."""
        if time.monotonic() >= self._back:
            try:
                which, wait = await self._take(keys=keys, args=_ARGUMENTS)
            except (redis.RedisError, OSError) as error:
                self._is_away(error)
            else:
                return wait / MICROSECONDS, which - 1, True
        return (*self._local.take(keys), False)

    async def _returned(self, keys: Sequence[str], *, shared: bool) -> None:
        if not shared:
            self._local.give_back(keys)
            return
        try:
            await self._give_back(keys=keys, args=_ARGUMENTS)
        except (redis.RedisError, OSError) as error:
            self._is_away(error)

    def _is_away(self, error: Exception) -> None:
        logger.warning("guesses are counted by this process alone: {}", error)
        self._back = time.monotonic() + PAUSE_S

    def _digest(self, name: str) -> str:
        return f"taskledger:guess:{digest(self._key, name.encode(), 'sha256').hex()[:32]}"


class Bucket:
    """The same, in memory and by the clock of this process."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, float] = OrderedDict()

    def take(self, keys: Sequence[str]) -> tuple[float, int]:
        """How many seconds to wait, and for which limit; none, and it is taken."""
        now = time.monotonic()
        times = [max(self._times.get(key, now), now) + limit.interval_s for key, limit in zip(keys, GUESS, strict=True)]
        early = [at - limit.burst * limit.interval_s - now for at, limit in zip(times, GUESS, strict=True)]
        if max(early) > 0:
            return max(early), early.index(max(early))
        for key, at in zip(keys, times, strict=True):
            self._times[key] = at
            self._times.move_to_end(key)
        while len(self._times) > MOST:
            self._times.popitem(last=False)
        return 0.0, 0

    def give_back(self, keys: Sequence[str]) -> None:
        for key, limit in zip(keys, GUESS, strict=True):
            if key in self._times:
                self._times[key] -= limit.interval_s


_ARGUMENTS = [number for limit in GUESS for number in (limit.interval_s, limit.burst)]


def network(address: str) -> str:
    """What counts as one address: of IPv6 the /64 that one customer has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
