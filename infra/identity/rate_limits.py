"""Limits: how many wrong passwords may be tried, for an account and from an address, and how many invitations sent."""

import contextlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from hmac import digest
from math import ceil
from typing import TypeAlias
from uuid import UUID

import redis
import redis.asyncio
from msgspec import Struct

from domain.errors import Refusal, TooManyGuesses, TooManyInvitations
from infra.identity import secrets
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
INVITATIONS = Limit("invitations", 20, 180)
"""Of one user, to whatever workspace: mail goes to people who did not ask for it."""
Counts: TypeAlias = Mapping[str, Limit]
"""Keys, each with the limit that holds for it."""
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

    What is counted is taken before it happens, and given back where it was right, or came to nothing. So what is
    tried side by side is counted too. Keys say neither account nor address to who reads them.
    """

    def __init__(self, client: redis.asyncio.Redis, master: str, *, on: bool) -> None:
        self._take = client.register_script(_TAKE)
        self._give_back = client.register_script(_GIVE_BACK)
        self._key = secrets.key(master, "limits")
        self._on = on
        self._local = Bucket()
        self._back = 0.0

    @contextlib.asynccontextmanager
    async def guess(self, account: UUID, address: str) -> AsyncIterator[None]:
        """Counts as a guess unless it ends well; raises TooManyGuesses before it begins."""
        place = network(address)
        counts = self._counts({f"{account} {place}": ACCOUNT, place: ADDRESS})
        shared = await self._taken(counts, TooManyGuesses)
        yield
        await self._returned(counts, shared=shared)

    @contextlib.asynccontextmanager
    async def invitation(self, user: UUID) -> AsyncIterator[None]:
        """Counts as an invitation unless it fails; raises TooManyInvitations before it begins."""
        counts = self._counts({f"invitations of {user}": INVITATIONS})
        shared = await self._taken(counts, TooManyInvitations)
        try:
            yield
        except Exception:
            await self._returned(counts, shared=shared)
            raise

    def _counts(self, names: Counts) -> Counts:
        return {self._digest(name): limit for name, limit in names.items()} if self._on else {}

    async def _taken(self, counts: Counts, refusal: type[Refusal]) -> bool:
        """Take one of each, and answer whether it was Redis that counted; raises the refusal where one is used up."""
        wait, which, shared = await self._waits(counts)
        if wait:
            limit = list(counts.values())[which]
            window = limit.burst * limit.interval_s
            raise refusal(policy=limit.name, quota=limit.burst, window=window, retry_after=ceil(wait))
        return shared

    async def _waits(self, counts: Counts) -> tuple[float, int, bool]:
        """How many seconds to wait, for which limit, and whether it was Redis that said so; none, and it is taken."""
        if counts and time.monotonic() >= self._back:
            try:
                which, wait = await self._take(keys=list(counts), args=_arguments(counts))
            except (redis.RedisError, OSError) as error:
                self._is_away(error)
            else:
                return wait / MICROSECONDS, which - 1, True
        return (*self._local.take(counts), False)

    async def _returned(self, counts: Counts, *, shared: bool) -> None:
        if not shared:
            self._local.give_back(counts)
            return
        try:
            await self._give_back(keys=list(counts), args=_arguments(counts))
        except (redis.RedisError, OSError) as error:
            self._is_away(error)

    def _is_away(self, error: Exception) -> None:
        logger.warning("limits are counted by this process alone: {}", error)
        self._back = time.monotonic() + PAUSE_S

    def _digest(self, name: str) -> str:
        return f"taskledger:limit:{digest(self._key, name.encode(), 'sha256').hex()[:32]}"


class Bucket:
    """The same, in memory and by the clock of this process."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, float] = OrderedDict()

    def take(self, counts: Counts) -> tuple[float, int]:
        """How many seconds to wait, and for which limit; none, and it is taken."""
        now = time.monotonic()
        times = {key: max(self._times.get(key, now), now) + limit.interval_s for key, limit in counts.items()}
        early = [times[key] - limit.burst * limit.interval_s - now for key, limit in counts.items()]
        longest = max(early, default=0.0)
        if longest > 0:
            return longest, early.index(longest)
        for key, at in times.items():
            self._times[key] = at
            self._times.move_to_end(key)
        while len(self._times) > MOST:
            self._times.popitem(last=False)
        return 0.0, 0

    def give_back(self, counts: Counts) -> None:
        for key, limit in counts.items():
            if key in self._times:
                self._times[key] -= limit.interval_s


def _arguments(counts: Counts) -> list[int]:
    return [number for limit in counts.values() for number in (limit.interval_s, limit.burst)]


def network(address: str) -> str:
    """What counts as one address: of IPv6 the /64 that one customer has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
