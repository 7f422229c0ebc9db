"""A rate limit: how many attempts in which time; and the limits on attempts that ask Redis each time."""

from collections.abc import Mapping
from math import ceil
from typing import Any, TypeAlias

from msgspec import Struct

MICROSECONDS_PER_S = 1_000_000


class RateLimit(Struct, frozen=True):
    """`quota` at once, then one as often as `quota` fit in the window (GCRA, the generic cell rate algorithm)."""

    name: str
    quota: int
    window_s: int

    @property
    def interval_us(self) -> int:
        """The microseconds after which one more is allowed."""
        return self.window_s * MICROSECONDS_PER_S // self.quota

    @property
    def window_us(self) -> int:
        return self.interval_us * self.quota

    def remaining(self, level_us: int) -> int:
        """How many more are allowed at once, at a level: the time until the limit is whole again."""
        return max(0, (self.window_us - level_us) // self.interval_us)


class Charge(Struct, frozen=True):
    """What came of charging limits: the wait until it is possible (0: charged), and the limit nearest to its end."""

    wait_us: int
    limit: RateLimit
    level_us: int
    is_shared: bool = False


ACCOUNT_LIMIT = RateLimit("account", 10, 600)
"""For one account from one address: 70 in the first hour; ASVS allows 100. Guesses from elsewhere lock no user out."""
ADDRESS_LIMIT = RateLimit("address", 100, 600)
"""From one address, over all accounts."""
INVITATION_LIMIT = RateLimit("invitations", 20, 3600)
"""By one user, over all workspaces: the mail goes to people who did not ask for it."""
ACCOUNT_MAIL_LIMIT = RateLimit("account-mail", 4, 3600)
"""Resets and verifications for one e-mail address, whether a user has it or not. A request beyond the limit replaces
no token: the token of the last mail lives longer than it takes until the next may be sent."""
ADDRESS_MAIL_LIMIT = RateLimit("address-mail", 30, 1800)
"""Resets and verifications that one client asks for, over all accounts."""
REGISTRATION_LIMIT = RateLimit("registrations", 50, 3000)
"""From one address, taken e-mail addresses included: an office behind one address can start in one morning, while each
registration costs a hash and an account, and each taken address tells its sender that it exists."""
AUTH_LIMIT = RateLimit("auth", 600, 60)
"""Of one route of authentication, such as log-in, from one address: ten a second of an office, with bursts."""
LimitsByKey: TypeAlias = Mapping[str, RateLimit]
"""Limits by the key that is counted."""


def limit_params(limit: RateLimit, wait_us: int) -> dict[str, Any]:
    """The limit that was reached, and the whole seconds to wait, as a refusal reports them."""
    retry_after = max(1, ceil(wait_us / MICROSECONDS_PER_S))
    return {"policy": limit.name, "quota": limit.quota, "window": limit.window_s, "retry_after": retry_after}
