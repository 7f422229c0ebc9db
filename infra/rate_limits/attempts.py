"""Limits on attempts: on wrong passwords, on registrations and on invitations."""

import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import redis.asyncio

from domain.errors import (
    Overloaded,
    Refusal,
    TooBusy,
    TooManyGuesses,
    TooManyInvitations,
    TooManyMails,
    TooManyRegistrations,
    TooManyRequests,
    WrongCredentials,
)
from infra.identity.refusal_pause import pause_before_refusal
from infra.rate_limits.keys import LimitKeys
from infra.rate_limits.limit import (
    ACCOUNT_LIMIT,
    ACCOUNT_MAIL_LIMIT,
    ADDRESS_LIMIT,
    ADDRESS_MAIL_LIMIT,
    AUTH_LIMIT,
    INVITATION_LIMIT,
    REGISTRATION_LIMIT,
    Charge,
    LimitsByKey,
    limit_params,
)
from infra.rate_limits.local import LocalRateLimits
from infra.rate_limits.shared import SharedRateLimits


class RegistrationAttempt:
    """An attempt to register."""

    has_cost_a_hash = False


class AttemptLimits:
    """Counts in this process and in Redis. Both must allow an attempt.

    So a process that loses Redis, or gets it back empty, grants no second allowance. An attempt is charged before it is
    made, and refunded if it was right or came to nothing: concurrent attempts count too. Keys reveal neither account
    nor address.
    """

    def __init__(self, client: redis.asyncio.Redis, master_key: str, *, is_enabled: bool) -> None:
        self._keys = LimitKeys(master_key)
        self._is_enabled = is_enabled
        self._local_limits = LocalRateLimits()
        self._shared_limits = SharedRateLimits(client)

    @contextlib.asynccontextmanager
    async def charge_guess(self, account: UUID, network: str) -> AsyncIterator[None]:
        """Counts as a guess if it ends in WrongCredentials or is cut off; raises TooManyGuesses before it begins."""
        limits = self._limits_by_key({f"{account} {network}": ACCOUNT_LIMIT, network: ADDRESS_LIMIT})
        charge = await self._charge(limits, TooManyGuesses)
        try:
            yield
        except WrongCredentials:
            raise
        except Exception:
            await self._refund(limits, charge)
            raise
        await self._refund(limits, charge)

    @contextlib.asynccontextmanager
    async def charge_registration(self, network: str) -> AsyncIterator[RegistrationAttempt]:
        """Counts as an attempt to register unless it fails before it costs a hash or is decided.

        Raises TooManyRegistrations before it begins.
        """
        limits = self._limits_by_key({f"registrations from {network}": REGISTRATION_LIMIT})
        charge, attempt = await self._charge(limits, TooManyRegistrations), RegistrationAttempt()
        try:
            yield attempt
        except BaseException as error:  # a late request is cancelled
            is_decided = isinstance(error, Refusal) and not isinstance(error, TooBusy | Overloaded)
            if not (attempt.has_cost_a_hash or is_decided):
                await self._refund(limits, charge)
            raise

    @contextlib.asynccontextmanager
    async def charge_invitation(self, user: UUID, *, is_dry_run: bool = False) -> AsyncIterator[None]:
        """Counts as an invitation unless it fails or is a dry run; raises TooManyInvitations before it begins."""
        limits = self._limits_by_key({f"invitations of {user}": INVITATION_LIMIT})
        charge = await self._charge(limits, TooManyInvitations)
        try:
            yield
        except Exception:
            await self._refund(limits, charge)
            raise
        if is_dry_run:
            await self._refund(limits, charge)

    async def charge_mail(self, account: UUID, network: str) -> None:
        """Count a mail to the account, asked for from this network; raises TooManyMails."""
        names = {f"mail to {account}": ACCOUNT_MAIL_LIMIT, f"mail from {network}": ADDRESS_MAIL_LIMIT}
        await self._charge(self._limits_by_key(names), TooManyMails)

    async def charge_auth_request(self, route: str, network: str) -> Charge | None:
        """Count a request to a route of authentication, whatever comes of it; raises TooManyRequests.

        Each route counts by itself: registrations use up no log-ins. None if limits are disabled.
        """
        limits = self._limits_by_key({f"{route} from {network}": AUTH_LIMIT})
        return await self._charge(limits, TooManyRequests)

    def _limits_by_key(self, names: LimitsByKey) -> LimitsByKey:
        return {self._keys.key(name): limit for name, limit in names.items()}

    async def _charge(self, limits: LimitsByKey, refusal: type[Refusal]) -> Charge | None:
        """Charge each limit once; raises the refusal if a limit is used up. None if limits are disabled."""
        if not self._is_enabled:
            return None
        charge = self._local_limits.charge(limits)
        if not charge.wait_us:
            shared = await self._shared_limits.charge(limits)
            if shared and shared.wait_us:
                self._local_limits.refund(limits)
            charge = shared or charge
        if charge.wait_us:
            await pause_before_refusal()
            raise refusal(**limit_params(charge.limit, charge.wait_us))
        return charge

    async def _refund(self, limits: LimitsByKey, charge: Charge | None) -> None:
        if charge:
            self._local_limits.refund(limits)
        if charge and charge.is_shared:
            await self._shared_limits.refund(limits)
