"""Limits on attempts: on wrong passwords, on registrations and on invitations."""

import contextlib
from collections.abc import AsyncIterator
from hmac import digest
from math import ceil
from uuid import UUID

import redis.asyncio

from domain.errors import Refusal, TooManyGuesses, TooManyInvitations, TooManyRegistrations, WrongCredentials
from infra.identity import token_secrets
from infra.identity.refusal_pause import pause_before_refusal
from infra.rate_limits.limit import ACCOUNT_LIMIT, ADDRESS_LIMIT, INVITATION_LIMIT, REGISTRATION_LIMIT, LimitsByKey
from infra.rate_limits.local import LocalRateLimits
from infra.rate_limits.shared import SharedRateLimits


class AttemptLimits:
    """Counts in this process and in Redis. Both must allow an attempt.

    So a process that loses Redis, or gets it back empty, grants no second allowance. An attempt is charged before it is
    made, and refunded if it was right or came to nothing: concurrent attempts count too. Keys reveal neither account
    nor address.
    """

    def __init__(self, client: redis.asyncio.Redis, master_key: str, *, is_enabled: bool) -> None:
        self._key = token_secrets.derive_key(master_key, "limits")
        self._is_enabled = is_enabled
        self._local_limits = LocalRateLimits()
        self._shared_limits = SharedRateLimits(client)

    @contextlib.asynccontextmanager
    async def charge_guess(self, account: UUID, network: str) -> AsyncIterator[None]:
        """Counts as a guess if it ends in WrongCredentials or is cut off; raises TooManyGuesses before it begins."""
        limits = self._limits_by_key({f"{account} {network}": ACCOUNT_LIMIT, network: ADDRESS_LIMIT})
        is_shared = await self._charge(limits, TooManyGuesses)
        try:
            yield
        except WrongCredentials:
            raise
        except Exception:
            await self._refund(limits, is_shared=is_shared)
            raise
        await self._refund(limits, is_shared=is_shared)

    async def charge_registration(self, network: str) -> None:
        """Count an attempt to register, whatever comes of it; raises TooManyRegistrations."""
        limits = self._limits_by_key({f"registrations from {network}": REGISTRATION_LIMIT})
        await self._charge(limits, TooManyRegistrations)

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

    def _limits_by_key(self, names: LimitsByKey) -> LimitsByKey:
        return {self._redis_key(name): limit for name, limit in names.items()} if self._is_enabled else {}

    async def _charge(self, limits: LimitsByKey, refusal: type[Refusal]) -> bool:
        """Charge each limit once and return whether Redis counted too; raises the refusal if a limit is used up."""
        wait, index = self._local_limits.charge(limits)
        is_shared = False
        if not wait:
            wait, index, is_shared = await self._shared_limits.charge(limits)
            if wait:
                self._local_limits.refund(limits)
        if wait:
            limit = list(limits.values())[index]
            await pause_before_refusal()
            raise refusal(policy=limit.name, quota=limit.burst, window=limit.window_s, retry_after=ceil(wait))
        return is_shared

    async def _refund(self, limits: LimitsByKey, *, is_shared: bool) -> None:
        self._local_limits.refund(limits)
        if is_shared:
            await self._shared_limits.refund(limits)

    def _redis_key(self, name: str) -> str:
        return f"taskledger:limit:{digest(self._key, name.encode(), 'sha256').hex()[:32]}"
