"""A lease: what one process may let through of a limit before it settles with Redis, and the limit as it knows it."""

from collections.abc import Sequence

from infra.rate_limits.limit import RateLimit

LEASES_PER_QUOTA = 10
"""A lease is a tenth of the quota: the most that a process lets through beyond what Redis counted."""


class Lease:
    """One limit of one user, token or address. All times are microseconds of the process's clock.

    `full_at` is when the limit is whole again, by all that is known: what Redis counted when it last settled, and what
    this process let through since. While Redis is away, this alone is the limit.
    """

    __slots__ = (
        "full_at",
        "interval_us",
        "is_open",
        "key",
        "limit",
        "max_level_us",
        "max_unsettled",
        "owed",
        "unsettled",
    )

    def __init__(self, key: str, limit: RateLimit) -> None:
        self.key = key
        self.limit = limit
        self.interval_us = limit.interval_us
        self.max_level_us = limit.window_us - limit.interval_us
        self.max_unsettled = max(1, limit.quota // LEASES_PER_QUOTA // 2)  # as many again may be on their way to Redis
        self.full_at = 0
        self.unsettled = 0
        self.owed = 0
        self.is_open = False

    def level_us(self, now: int) -> int:
        """How long until the limit is whole again."""
        return max(0, self.full_at - now)

    def wait_us(self, now: int) -> int:
        """How long until one more is let through; at most a moment if only Redis has to answer."""
        return max(0, self.full_at - now - self.max_level_us)

    def refund(self) -> None:
        """Take back what was just let through."""
        self.full_at -= self.interval_us
        self.unsettled -= 1

    def begin_settling(self, now: int) -> int:
        """How many to report to Redis: what was let through since the last report that Redis confirmed.

        After a failure it is no more than what has not run off since, so a long absence of Redis leaves no debt.
        """
        if self.owed:
            self.owed = min(self.owed, -(-self.level_us(now) // self.interval_us))
        self.owed += self.unsettled
        self.unsettled = 0
        return self.owed

    def end_settling(self, now: int, shared_level_us: int) -> None:
        """Take over the level in Redis, which includes what was reported."""
        self.owed = 0
        self.full_at = now + shared_level_us + self.unsettled * self.interval_us


def spend(leases: Sequence[Lease], now: int, touched: list[Lease], count: int = 1) -> tuple[Lease, int]:
    """Count requests on each lease, and return the one nearest to its end, with its level.

    If one has not so many left, it is returned with a level of -1, and nothing is counted. Leases with something to
    settle are added to `touched`, once.
    """
    for lease in leases:
        if (
            lease.full_at - now + (count - 1) * lease.interval_us > lease.max_level_us
            or lease.unsettled + count > lease.max_unsettled
        ):
            return lease, -1
    nearest, highest = leases[0], -1
    for lease in leases:
        full_at = lease.full_at
        level = (full_at - now if full_at > now else 0) + count * lease.interval_us
        lease.full_at = now + level
        lease.unsettled += count
        if not lease.is_open:
            lease.is_open = True
            touched.append(lease)
        if level > highest:
            nearest, highest = lease, level
    return nearest, highest
