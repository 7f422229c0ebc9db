"""Haste: how many of a crew work at once: all, or a single one where others write, who wait for their answers."""

import time
from collections.abc import Callable

BUSY = 50.0
"""So many events a second are somebody at work; with one core for them, they notice a rebuild hardly."""
LOOK_S = 0.2


class Haste:
    """Goes by how quickly the log grows."""

    def __init__(self, head: Callable[[], int], most: int) -> None:
        """`head` answers the last position of the log."""
        self._head = head
        self._most = most
        self._at, self._position = time.monotonic(), head()
        self._is_busy = False

    def at_once(self) -> int:
        """So many, with one more that waits for whoever is done first."""
        now = time.monotonic()
        if now >= self._at + LOOK_S:
            position = self._head()
            self._is_busy = position - self._position > BUSY * (now - self._at)
            self._at, self._position = now, position
        return 1 if self._is_busy else self._most + 1
