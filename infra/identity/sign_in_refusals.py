"""Refused sign-ins: counted in this process by account and minute, and recorded in one append a minute."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from commands.access import RecordRefusals, RefusedSignIns
from domain.email_address import normalize_email
from domain.errors import TooManyGuesses, WrongCredentials
from domain.instance import RULE_ACTOR
from infra import clock
from infra.identity.access_log import AccessLog
from infra.identity.email_addresses import EmailAddresses

MAX_ACCOUNTS: Final = 1_000
"""Accounts that are counted one by one until they are recorded; refusals of others are one sum without a user."""
RefusalCounts: TypeAlias = Counter[tuple[datetime, str | None]]
"""Attempts by minute and address; those of no address beyond the bound."""
_MINUTE: Final = timedelta(minutes=1)


class SignInRefusals:
    """Addresses are kept in memory only: what is recorded names users."""

    def __init__(self, addresses: EmailAddresses, access_log: AccessLog) -> None:
        self._addresses = addresses
        self._access_log = access_log
        self._counts = RefusalCounts()

    @contextlib.contextmanager
    def counted(self, email: str) -> Iterator[None]:
        """Count a sign-in to this address if it ends in WrongCredentials or TooManyGuesses; nothing is written."""
        try:
            yield
        except (WrongCredentials, TooManyGuesses):
            key = _minute_of(clock.now()), normalize_email(email)
            self._counts[key if key in self._counts or len(self._counts) < MAX_ACCOUNTS else (key[0], None)] += 1
            raise

    async def record_forever(self) -> None:
        """Record each minute once it is over."""
        while True:
            now = clock.now()
            await asyncio.sleep((_minute_of(now) + _MINUTE - now).total_seconds())
            await self.record(_minute_of(clock.now()))

    async def record(self, before: datetime | None = None) -> None:
        """Record the minutes before this one, or all, in one append; what is not written is counted again."""
        due = Counter({key: count for key, count in self._counts.items() if before is None or key[0] < before})
        if not due:
            return
        self._counts -= due
        try:
            await self._access_log.record(RULE_ACTOR, RecordRefusals(refused=await self.by_user(due)))
        except BaseException:
            self._counts += due
            raise

    async def by_user(self, counts: RefusalCounts) -> tuple[RefusedSignIns, ...]:
        """The sums of users, and that of addresses without one."""
        emails = list({email for _, email in counts if email is not None})
        users = dict(zip(emails, await self._addresses.find_users(emails), strict=True))
        sums = Counter[tuple[datetime, UUID | None]]()
        for (minute, email), count in counts.items():
            sums[minute, users[email] if email is not None else None] += count
        return tuple(RefusedSignIns(minute, count, user) for (minute, user), count in sums.items())


def _minute_of(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)
