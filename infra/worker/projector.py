"""The projector: how a worker folds what is new, whether a message or its own look calls it.

Nothing else does, but what rebuilds, rolls back or splits a build: that brings it to a position first.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable

from psycopg import Connection
from psycopg.rows import TupleRow

from infra import log
from infra.database.pool import projecting
from infra.messaging.hints import CROWD, GATHER_S
from projections.engine import advance
from projections.engine.advance import BatchReport

LOOK_S = 1.0
"""So long, at most, one call goes on where there is always more."""
FIRST, MOST = 500, 4_000
"""A batch has so many events at first; it grows and shrinks with the time that it takes."""
QUICK_S, SLOW_S = 0.5, 1.5
"""In a backlog nobody sees the difference between these, and an event of a large batch costs two thirds of another."""


class _Turn:
    """Who folds a partition holds its turn; who wants it folded says so, and whoever holds the turn looks again."""

    def __init__(self) -> None:
        self.held = threading.Lock()
        self.wanted = threading.Event()
        self.size = FIRST

    def adapt(self, events: int, seconds: float) -> None:
        """Larger batches while there is a backlog and they are quick, smaller ones where they take long."""
        if events >= self.size and seconds < QUICK_S:
            self.size = min(MOST, self.size * 2)
        elif seconds > SLOW_S:
            self.size = max(FIRST, self.size // 2)


class Projector:
    """Advances all projections of a partition, one batch at a time, and tells caches after each commit."""

    def __init__(self, database_url: str, partitions: int, publish: Callable[[BatchReport], None]) -> None:
        self._url = database_url
        self._publish = publish
        self._thread = threading.local()
        self._opened: list[Connection[TupleRow]] = []
        self._turns = defaultdict[int, _Turn](_Turn, {partition: _Turn() for partition in range(partitions)})

    def project(self, partition: int) -> bool:
        """Fold all that is new, and answer whether there is more that nobody else is at.

        Never waits for another thread that folds the same: that one will look again. Raises psycopg's errors and
        StandsStill; the checkpoints then still say where to go on. Ends after a while even where there is more.
        """
        turn = self._turns[partition]
        turn.wanted.set()
        deadline, crowded = time.monotonic() + LOOK_S, False
        while turn.wanted.is_set() and time.monotonic() < deadline and turn.held.acquire(blocking=False):
            try:
                turn.wanted.clear()
                events = self._advance(turn, partition)
            finally:
                turn.held.release()
            if not events and crowded:
                self._publish(BatchReport([], partition, 0, 0, 0))  # nothing came: the next one needs a hint
            crowded = events >= CROWD
            if events:
                turn.wanted.set()
                if crowded and events < turn.size:
                    time.sleep(GATHER_S)
        return turn.wanted.is_set() and not turn.held.locked()  # whoever holds it goes on by himself

    def close(self) -> None:
        """Close what every thread has opened."""
        for connection in self._opened:
            connection.close()

    def _advance(self, turn: _Turn, partition: int) -> int:
        """The most events that any of the projections has just folded."""
        most, began = 0, time.monotonic()
        try:
            for progress in advance.advance(self._connection(), partition, log.after, turn.size):
                self._publish(progress)
                most = max(most, progress.events)
        except Exception:
            turn.size = FIRST  # what was too much at once may do in smaller pieces
            raise
        turn.adapt(most, time.monotonic() - began)
        return most

    def _connection(self) -> Connection[TupleRow]:
        connection: Connection[TupleRow] | None = getattr(self._thread, "connection", None)
        if connection is None or connection.closed:
            connection = self._thread.connection = projecting(self._url)
            self._opened = [*(open_ for open_ in self._opened if not open_.closed), connection]
        return connection
