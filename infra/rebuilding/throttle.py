"""Haste: how many of a crew work at once: all, or a single one where others write, who wait for their answers."""

import time
from collections.abc import Callable

BUSY_EVENTS_PER_S = 50
"""So many events in the last second are somebody at work; with a core for them, they hardly notice a rebuild."""
POLL_INTERVAL_S = 0.1


class Throttle:
    """Goes by how many events were written in the last second."""

    def __init__(self, count_recent: Callable[[int], int], max_concurrency: int) -> None:
        """`lately` answers how many they were, up to so many."""
        self._count_recent = count_recent
        self._max_concurrency = max_concurrency
        self._next_poll_at = 0.0
        self._is_busy = False

    def concurrency(self) -> int:
        """So many, with one more that waits for whoever is done first."""
        if time.monotonic() >= self._next_poll_at:
            self._is_busy = self._count_recent(BUSY_EVENTS_PER_S) >= BUSY_EVENTS_PER_S
            self._next_poll_at = time.monotonic() + POLL_INTERVAL_S
        return 1 if self._is_busy else self._max_concurrency + 1
