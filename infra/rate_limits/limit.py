"""A rate limit: how many attempts in which time; and the limits of this installation."""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

MICROSECONDS_PER_S = 1_000_000


class RateLimit(Struct, frozen=True):
    """`burst` attempts at once, then one every `interval_s` seconds (GCRA, the generic cell rate algorithm)."""

    name: str
    burst: int
    interval_s: int

    @property
    def interval_us(self) -> int:
        """Its interval in microseconds."""
        return self.interval_s * MICROSECONDS_PER_S

    @property
    def window_s(self) -> int:
        """How long it takes until a used-up limit is whole again."""
        return self.burst * self.interval_s


ACCOUNT_LIMIT = RateLimit("account", 10, 60)
"""For one account from one address: 70 in the first hour; ASVS allows 100. Guesses from elsewhere lock no user out."""
ADDRESS_LIMIT = RateLimit("address", 100, 6)
"""From one address, over all accounts."""
INVITATION_LIMIT = RateLimit("invitations", 20, 180)
"""By one user, over all workspaces: the mail goes to people who did not ask for it."""
REGISTRATION_LIMIT = RateLimit("registrations", 50, 60)
"""From one address, taken e-mail addresses included: an office behind one address can start in one morning, while each
registration costs a hash and an account, and each taken address tells its sender that it exists."""
LimitsByKey: TypeAlias = Mapping[str, RateLimit]
"""Limits by the key that is counted."""
