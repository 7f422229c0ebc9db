"""WAL syncs: how often PostgreSQL makes its write-ahead log durable, while a load runs."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from psycopg import Connection
from psycopg.rows import TupleRow

SAMPLE_INTERVAL_S = 0.1
MIN_SPAN_S = 1.8
"""Two times at which the counter grew that are this far apart tell the rate: each server process tells it every second,
so that of a shorter load a part of them may be missing."""
_MIN_VERSION_IN_PG_STAT_IO = 180_000
_PG_STAT_IO_SQL = "select sum(fsyncs)::bigint from pg_stat_io where object = 'wal'"
_PG_STAT_WAL_SQL = "select wal_sync from pg_stat_wal"


class WalSyncs:
    """The samples of the counter, with their times. A server process adds its syncs to it once a second at most."""

    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count
        self._samples = [(time.monotonic(), count())]
        self._stop_requested = threading.Event()

    def sample_until_stopped(self) -> None:
        while not self._stop_requested.wait(SAMPLE_INTERVAL_S):
            self._samples.append((time.monotonic(), self._count()))

    def stop(self) -> None:
        self._stop_requested.set()

    def per_second(self) -> float | None:
        """The syncs in each second; None if that cannot be told."""
        return sync_rate(self._samples)


@contextlib.contextmanager
def track_wal_syncs(connection: Connection[TupleRow]) -> Iterator[WalSyncs]:
    """Sample the counter of a server every tenth of a second, in a thread, while the block runs."""
    syncs = WalSyncs(lambda: count_wal_syncs(connection))
    thread = threading.Thread(target=syncs.sample_until_stopped)
    thread.start()
    try:
        yield syncs
    finally:
        syncs.stop()
        thread.join()


def count_wal_syncs(connection: Connection[TupleRow]) -> int:
    """The syncs of the write-ahead log since the server's statistics began."""
    is_in_pg_stat_io = connection.info.server_version >= _MIN_VERSION_IN_PG_STAT_IO
    row = connection.execute(_PG_STAT_IO_SQL if is_in_pg_stat_io else _PG_STAT_WAL_SQL).fetchone()
    return row[0] if row else 0


def sync_rate(samples: Sequence[tuple[float, int]]) -> float | None:
    """The growth in each second between the first and the last time that the counter grew.

    The counter is a staircase of late steps: from its first sample to its last, a second would be missing, and a lone
    step may be that of an earlier load. None if there are no two steps that are far enough apart.
    """
    steps = [later for earlier, later in pairwise(samples) if later[1] > earlier[1]]
    if not steps or steps[-1][0] - steps[0][0] < MIN_SPAN_S:
        return None
    (began, before), (ended, after) = steps[0], steps[-1]
    return round((after - before) / (ended - began), 1)
