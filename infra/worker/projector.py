"""The projector: folds new events of a partition into all projections, on a hint or a poll of the worker.

Only a rebuild, a rollback or a repartitioning folds elsewhere, to bring one build to a position.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

import psycopg
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from infra import log
from infra.database.connections import connect_for_worker
from infra.database.identity import SELECT_IDENTITY
from infra.messaging.hints import FULL_BATCH_EVENTS, LINGER_S
from projections.engine import advance
from projections.engine.advance import BatchReport

POLL_INTERVAL_S = 1.0
"""The interval of polls, and the longest time that one call folds without a break."""
FAST_BATCH_S, SLOW_BATCH_S = 0.5, 1.5
"""Batches grow below the first and shrink above the second; an event in a large batch costs a third less."""


class _PartitionState:
    """The lock of the thread that folds a partition; a request made meanwhile makes that thread poll again."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.fold_requested = threading.Event()
        self.batch_size = advance.MAX_PIPELINED_EVENTS
        self.position: int | None = None
        """Where the last batch ended; None if it found no events, as another worker may have folded since."""

    def adapt_batch_size(self, event_count: int, seconds: float) -> None:
        """Grow fast batches while there is a backlog, shrink slow ones."""
        if event_count >= self.batch_size and seconds < FAST_BATCH_S:
            self.batch_size = min(advance.MAX_BATCH_EVENTS, self.batch_size * 2)
        elif seconds > SLOW_BATCH_S:
            self.batch_size = max(advance.MAX_PIPELINED_EVENTS, self.batch_size // 2)


class Projector:
    """Advances all projections of a partition batch by batch, and publishes the progress after each commit."""

    def __init__(self, database_url: str, partitions: int, publish: Callable[[BatchReport], None]) -> None:
        self._url = database_url
        self._publish = publish
        self._thread_local = threading.local()
        self._connections: list[Connection[TupleRow]] = []
        self._partitions = defaultdict[int, _PartitionState](
            _PartitionState, {partition: _PartitionState() for partition in range(partitions)}
        )

    def project(self, partition: int) -> bool:
        """Fold all new events; returns whether there are more, and no other thread folds them.

        Never waits for another thread that folds the partition: that thread polls again. Returns after
        `POLL_INTERVAL_S` even if there is more. Raises ProjectionStuck and errors of psycopg; the checkpoints then
        say where to continue.
        """
        state = self._partitions[partition]
        state.fold_requested.set()
        deadline, is_crowded = time.monotonic() + POLL_INTERVAL_S, False
        while state.fold_requested.is_set() and time.monotonic() < deadline and state.lock.acquire(blocking=False):
            began = time.monotonic()
            try:
                state.fold_requested.clear()
                event_count = self._advance(state, partition)
            finally:
                state.lock.release()
            if not event_count and is_crowded:
                self._report(BatchReport([], partition, 0, 0, 0))  # no longer batching: the next event needs a hint
            is_crowded = event_count >= FULL_BATCH_EVENTS
            if event_count:
                state.fold_requested.set()
                if is_crowded and event_count < state.batch_size:
                    time.sleep(min(LINGER_S, time.monotonic() - began))
        return state.fold_requested.is_set() and not state.lock.locked()  # else the thread with the lock continues

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self._connections:
            connection.close()

    def _advance(self, state: _PartitionState, partition: int) -> int:
        """Fold one batch; returns the largest number of events that any projection folded."""
        max_events, began = 0, time.monotonic()
        expected, state.position = state.position, None
        try:
            connection = self._connection("first")
            for progress in advance.advance(
                connection, partition, log.load_after, state.batch_size, self._open_second, expected
            ):
                self._report(progress)
                state.position = progress.position
                max_events = max(max_events, progress.events)
        except Exception:
            state.batch_size = advance.MAX_PIPELINED_EVENTS  # a smaller batch may succeed
            raise
        state.adapt_batch_size(max_events, time.monotonic() - began)
        return max_events

    def _report(self, progress: BatchReport) -> None:
        self._publish(replace(progress, database=self._thread_local.database))

    def _open_second(self) -> Connection[TupleRow] | None:
        """The second connection of this thread; None if PostgreSQL refuses it."""
        with suppress(psycopg.OperationalError):
            return self._connection("second")
        return None

    def _connection(self, name: Literal["first", "second"]) -> Connection[TupleRow]:
        connection: Connection[TupleRow] | None = getattr(self._thread_local, name, None)
        if connection is None or connection.closed:
            connection = connect_for_worker(self._url)
            ((self._thread_local.database,),) = connection.execute(SELECT_IDENTITY).fetchall()
            setattr(self._thread_local, name, connection)
            self._connections = [*(open_ for open_ in self._connections if not open_.closed), connection]
        return connection
