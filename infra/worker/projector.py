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
from infra.database.pool import connect_for_worker
from infra.messaging.hints import FULL_BATCH_EVENTS, LINGER_S
from projections.engine import advance
from projections.engine.advance import BatchReport

POLL_INTERVAL_S = 1.0
"""So long, at most, one call goes on where there is always more."""
FAST_BATCH_S, SLOW_BATCH_S = 0.5, 1.5
"""In a backlog nobody sees the difference between these, and an event of a large batch costs two thirds of another."""


class _PartitionState:
    """Who folds a partition holds its turn; who wants it folded says so, and whoever holds the turn looks again."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.fold_requested = threading.Event()
        self.batch_size = advance.MAX_PIPELINED_EVENTS

    def adapt_batch_size(self, event_count: int, seconds: float) -> None:
        """Larger batches while there is a backlog and they are quick, smaller ones where they take long."""
        if event_count >= self.batch_size and seconds < FAST_BATCH_S:
            self.batch_size = min(advance.MAX_BATCH_EVENTS, self.batch_size * 2)
        elif seconds > SLOW_BATCH_S:
            self.batch_size = max(advance.MAX_PIPELINED_EVENTS, self.batch_size // 2)


class Projector:
    """Advances all projections of a partition, one batch at a time, and tells caches after each commit."""

    def __init__(self, database_url: str, partitions: int, publish: Callable[[BatchReport], None]) -> None:
        self._url = database_url
        self._publish = publish
        self._thread_local = threading.local()
        self._connections: list[Connection[TupleRow]] = []
        self._partitions = defaultdict[int, _PartitionState](
            _PartitionState, {partition: _PartitionState() for partition in range(partitions)}
        )

    def project(self, partition: int) -> bool:
        """Fold all that is new, and answer whether there is more that nobody else is at.

        Never waits for another thread that folds the same: that one will look again. Raises psycopg's errors and
        StandsStill; the checkpoints then still say where to go on. Ends after a while even where there is more.
        """
        state = self._partitions[partition]
        state.fold_requested.set()
        deadline, is_crowded = time.monotonic() + POLL_INTERVAL_S, False
        while state.fold_requested.is_set() and time.monotonic() < deadline and state.lock.acquire(blocking=False):
            try:
                state.fold_requested.clear()
                event_count = self._advance(state, partition)
            finally:
                state.lock.release()
            if not event_count and is_crowded:
                self._publish(BatchReport([], partition, 0, 0, 0))  # nothing came: the next one needs a hint
            is_crowded = event_count >= FULL_BATCH_EVENTS
            if event_count:
                state.fold_requested.set()
                if is_crowded and event_count < state.batch_size:
                    time.sleep(LINGER_S)
        return state.fold_requested.is_set() and not state.lock.locked()  # whoever holds it goes on by himself

    def close(self) -> None:
        """Close what every thread has opened."""
        for connection in self._connections:
            connection.close()

    def _advance(self, state: _PartitionState, partition: int) -> int:
        """The most events that any of the projections has just folded."""
        max_events, began = 0, time.monotonic()
        try:
            for progress in advance.advance(self._connection(), partition, log.load_after, state.batch_size):
                self._publish(progress)
                max_events = max(max_events, progress.events)
        except Exception:
            state.batch_size = advance.MAX_PIPELINED_EVENTS  # what was too much at once may do in smaller pieces
            raise
        state.adapt_batch_size(max_events, time.monotonic() - began)
        return max_events

    def _connection(self) -> Connection[TupleRow]:
        connection: Connection[TupleRow] | None = getattr(self._thread_local, "connection", None)
        if connection is None or connection.closed:
            connection = self._thread_local.connection = connect_for_worker(self._url)
            self._connections = [*(open_ for open_ in self._connections if not open_.closed), connection]
        return connection
