"""Local rate limits: the attempts that this process let through, in memory."""

import time
from collections import OrderedDict

from infra.rate_limits.limit import MICROSECONDS_PER_S, LimitsByKey

MAX_LOCAL_KEYS = 10_000
"""Keys counted in memory; the least recently charged is dropped first."""


class LocalRateLimits:
    """Counts by its own clock.

    Times are whole microseconds, as in Redis: sums of fractions would refuse an attempt at the very moment it is due.
    """

    def __init__(self) -> None:
        self._arrival_times: OrderedDict[str, int] = OrderedDict()

    def charge(self, limits: LimitsByKey) -> tuple[float, int]:
        """The seconds to wait (0: charged), and the limit to wait for."""
        now = round(time.monotonic() * MICROSECONDS_PER_S)
        times = {key: max(self._arrival_times.get(key, now), now) + limit.interval_us for key, limit in limits.items()}
        waits = [times[key] - limit.burst * limit.interval_us - now for key, limit in limits.items()]
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
                self._arrival_times[key] -= limit.interval_us
