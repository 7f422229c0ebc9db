"""Rate limits on wrong passwords and on mail, by account and by address, and on invitations, by user."""

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

from domain.errors import Refusal, TooManyGuesses, TooManyInvitations, TooManyMails
from infra.identity import token_secrets
from infra.logs import logger

REDIS_RETRY_PAUSE_S = 2.0
"""Pause after a failed call before Redis is called again."""
MAX_LOCAL_KEYS = 10_000
"""Keys counted in memory; the least recently charged is dropped first."""
MICROSECONDS_PER_S = 1_000_000


class RateLimit(Struct, frozen=True):
    """`burst` attempts at once, then one every `interval_s` seconds (GCRA, the generic cell rate algorithm)."""

    name: str
    burst: int
    interval_s: int


ACCOUNT_LIMIT = RateLimit("account", 10, 60)
"""For one account from one address: 70 in the first hour; ASVS allows 100. Guesses from elsewhere lock no user out."""
ADDRESS_LIMIT = RateLimit("address", 100, 6)
"""From one address, over all accounts."""
INVITATION_LIMIT = RateLimit("invitations", 20, 180)
"""By one user, over all workspaces: the mail goes to people who did not ask for it."""
ACCOUNT_MAIL_LIMIT = RateLimit("account_mail", 4, 900)
"""Resets and verifications for one e-mail address, whether a user has it or not. A request beyond the limit replaces
no token: the token of the last mail lives longer than it takes until the next may be sent."""
ADDRESS_MAIL_LIMIT = RateLimit("address_mail", 30, 60)
"""Resets and verifications that one client asks for, over all accounts."""
LimitsByKey: TypeAlias = Mapping[str, RateLimit]
"""Limits by the key that is counted."""
_CHARGE_SCRIPT = """
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
_REFUND_SCRIPT = """
for i, key in ipairs(KEYS) do
  local at = redis.call('GET', key)
  if at then redis.call('SET', key, string.format('%.0f', at - ARGV[2 * i - 1] * 1000000), 'KEEPTTL') end
end
"""


class RateLimits:
    """Counts in this process, and in Redis by its clock, in one call: exact over all processes while Redis answers.

    Both must allow an attempt, so a process that loses Redis, or gets it back empty, grants no second allowance.
    An attempt is charged before it is made, and refunded if it was right or came to nothing: concurrent attempts
    count too. Keys reveal neither account nor address.
    """

    def __init__(self, client: redis.asyncio.Redis, master_key: str, *, is_enabled: bool) -> None:
        self._charge_script = client.register_script(_CHARGE_SCRIPT)
        self._refund_script = client.register_script(_REFUND_SCRIPT)
        self._key = token_secrets.derive_key(master_key, "limits")
        self._is_enabled = is_enabled
        self._local_limits = LocalRateLimits()
        self._redis_retry_at = 0.0

    @contextlib.asynccontextmanager
    async def charge_guess(self, account: UUID, address: str) -> AsyncIterator[None]:
        """Counts as a guess unless it ends well; raises TooManyGuesses before it begins."""
        network_key = client_network(address)
        limits = self._limits_by_key({f"{account} {network_key}": ACCOUNT_LIMIT, network_key: ADDRESS_LIMIT})
        is_shared = await self._charge(limits, TooManyGuesses)
        yield
        await self._refund(limits, is_shared=is_shared)

    @contextlib.asynccontextmanager
    async def charge_invitation(self, user: UUID, *, is_dry_run: bool = False) -> AsyncIterator[None]:
        """Counts as an invitation unless it fails or is a dry run; raises TooManyInvitations before it begins."""
        limits = self._limits_by_key({f"invitations of {user}": INVITATION_LIMIT})
        is_shared = await self._charge(limits, TooManyInvitations)
        try:
            yield
        except Exception:
            await self._refund(limits, is_shared=is_shared)
            raise
        if is_dry_run:
            await self._refund(limits, is_shared=is_shared)

    async def charge_mail(self, account: UUID, address: str) -> None:
        """Counts as a mail to the account, asked for from this address; raises TooManyMails."""
        network_key = client_network(address)
        names = {f"mail to {account}": ACCOUNT_MAIL_LIMIT, f"mail from {network_key}": ADDRESS_MAIL_LIMIT}
        await self._charge(self._limits_by_key(names), TooManyMails)

    def _limits_by_key(self, names: LimitsByKey) -> LimitsByKey:
        return {self._redis_key(name): limit for name, limit in names.items()} if self._is_enabled else {}

    async def _charge(self, limits: LimitsByKey, refusal: type[Refusal]) -> bool:
        """Charge each limit once and return whether Redis counted too; raises the refusal if a limit is used up."""
        wait, index = self._local_limits.charge(limits)
        is_shared = False
        if not wait:
            wait, index, is_shared = await self._charge_shared(limits)
            if wait:
                self._local_limits.refund(limits)
        if wait:
            limit = list(limits.values())[index]
            window = limit.burst * limit.interval_s
            raise refusal(policy=limit.name, quota=limit.burst, window=window, retry_after=ceil(wait))
        return is_shared

    async def _charge_shared(self, limits: LimitsByKey) -> tuple[float, int, bool]:
        """Charge Redis: the seconds to wait (0: charged), the limit to wait for, and whether Redis answered."""
        if limits and time.monotonic() >= self._redis_retry_at:
            try:
                which, wait = await self._charge_script(keys=list(limits), args=_script_arguments(limits))
            except (redis.RedisError, OSError) as error:
                self._pause_redis(error)
            else:
                return wait / MICROSECONDS_PER_S, which - 1, True
        return 0.0, 0, False

    async def _refund(self, limits: LimitsByKey, *, is_shared: bool) -> None:
        self._local_limits.refund(limits)
        if is_shared:
            try:
                await self._refund_script(keys=list(limits), args=_script_arguments(limits))
            except (redis.RedisError, OSError) as error:
                self._pause_redis(error)

    def _pause_redis(self, error: Exception) -> None:
        logger.warning("Redis does not answer; this process counts rate limits alone: {}", error)
        self._redis_retry_at = time.monotonic() + REDIS_RETRY_PAUSE_S

    def _redis_key(self, name: str) -> str:
        return f"taskledger:limit:{digest(self._key, name.encode(), 'sha256').hex()[:32]}"


class LocalRateLimits:
    """The attempts that this process let through, in memory, by its own clock.

    Times are whole microseconds, as in Redis: sums of fractions would refuse an attempt at the very moment it is due.
    """

    def __init__(self) -> None:
        self._arrival_times: OrderedDict[str, int] = OrderedDict()

    def charge(self, limits: LimitsByKey) -> tuple[float, int]:
        """The seconds to wait (0: charged), and the limit to wait for."""
        now = round(time.monotonic() * MICROSECONDS_PER_S)
        times = {key: max(self._arrival_times.get(key, now), now) + _interval(limit) for key, limit in limits.items()}
        waits = [times[key] - limit.burst * _interval(limit) - now for key, limit in limits.items()]
        longest = max(waits, default=0)
        if longest > 0:
            return longest / MICROSECONDS_PER_S, waits.index(longest)
        for key, at in times.items():
            self._arrival_times[key] = at
            self._arrival_times.move_to_end(key)
        while len(self._arrival_times) > MAX_LOCAL_KEYS:
            self._arrival_times.popitem(last=False)
        return 0.0, 0

    def refund(self, limits: LimitsByKey) -> None:
        for key, limit in limits.items():
            if key in self._arrival_times:
                self._arrival_times[key] -= _interval(limit)


def _interval(limit: RateLimit) -> int:
    """Its interval in microseconds."""
    return limit.interval_s * MICROSECONDS_PER_S


def _script_arguments(limits: LimitsByKey) -> list[int]:
    return [number for limit in limits.values() for number in (limit.interval_s, limit.burst)]


def client_network(address: str) -> str:
    """The network counted as one address: IPv4 as it is, IPv6 by its /64, which one customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
