"""Haste: how many of a crew work at once: all, or a single one where others write, who wait for their answers."""

import time
from collections.abc import Callable

BUSY = 50
"""So many events in the last second are somebody at work; with a core for them, they hardly notice a rebuild."""
LOOK_S = 0.1


class Haste:
    """Goes by how many events were written in the last second."""

    def __init__(self, lately: Callable[[int], int], most: int) -> None:
        """`lately` answers how many they were, up to so many."""
        self._lately = lately
        self._most = most
        self._until = 0.0
        self._is_busy = False

    def at_once(self) -> int:
        """So many, with one more that waits for whoever is done first."""
        if time.monotonic() >= self._until:
            self._is_busy = self._lately(BUSY) >= BUSY
            self._until = time.monotonic() + LOOK_S
        return 1 if self._is_busy else self._most + 1
