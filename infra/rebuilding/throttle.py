"""Throttle: limits a rebuild to one process while clients write, and lets all of the pool run otherwise."""

import time
from collections.abc import Callable

BUSY_EVENTS_PER_S = 50
"""Clients that write this much get a core of their own, and hardly notice a rebuild."""
POLL_INTERVAL_S = 0.1


class Throttle:
    """Chooses the concurrency by the number of events written in the last second."""

    def __init__(self, count_recent: Callable[[int], int], max_concurrency: int) -> None:
        """`count_recent` returns that number, counted up to its argument."""
        self._count_recent = count_recent
        self._max_concurrency = max_concurrency
        self._next_poll_at = 0.0
        self._is_busy = False

    def concurrency(self) -> int:
        """How many parts to submit: one more than run, so that no process waits for its next part."""
        if time.monotonic() >= self._next_poll_at:
            self._is_busy = self._count_recent(BUSY_EVENTS_PER_S) >= BUSY_EVENTS_PER_S
            self._next_poll_at = time.monotonic() + POLL_INTERVAL_S
        return 1 if self._is_busy else self._max_concurrency + 1
