"""Local rate limits: the attempts that this process let through, in memory."""

import time
from collections import OrderedDict

from infra.rate_limits.limit import MICROSECONDS_PER_S, Charge, LimitsByKey

MAX_LOCAL_KEYS = 10_000
"""Keys counted in memory; the least recently charged is dropped first."""


class LocalRateLimits:
    """Counts by its own clock.

    Times are whole microseconds, as in Redis: sums of fractions would refuse an attempt at the very moment it is due.
    """

    def __init__(self) -> None:
        self._arrival_times: OrderedDict[str, int] = OrderedDict()

    def charge(self, limits: LimitsByKey) -> Charge:
        """Charge all of them, at least one, or none."""
        now = round(time.monotonic() * MICROSECONDS_PER_S)
        times = {key: max(self._arrival_times.get(key, now), now) + limit.interval_us for key, limit in limits.items()}
        key = max(times, key=lambda one: times[one] - now - limits[one].window_us)
        level, wait = times[key] - now, times[key] - now - limits[key].window_us
        if wait > 0:
            return Charge(wait, limits[key], level)
        for one, at in times.items():
            self._arrival_times[one] = at
            self._arrival_times.move_to_end(one)
        while len(self._arrival_times) > MAX_LOCAL_KEYS:
            self._arrival_times.popitem(last=False)
        return Charge(0, limits[key], level)

    def refund(self, limits: LimitsByKey) -> None:
        for key, limit in limits.items():
            if key in self._arrival_times:
                self._arrival_times[key] -= limit.interval_us
