"""The worker: folds the log into read models when a hint comes, and once a second in any case."""

import threading
import time
from collections.abc import Callable

import dramatiq
from psycopg import Connection
from psycopg.rows import TupleRow

from infra import broker, cache, log, projected
from infra.hints import CROWD, GATHER_S
from infra.logs import logger
from infra.postgres import connect
from infra.settings import Settings
from projections import engine, projection
from projections.engine import Progress

LOOK_S = 1.0
_STANDING: dict[str, str] = {}
"""Why a projection stands still, as it was logged last."""


class _Turn:
    """Who folds a projection holds its turn; who wants it folded says so, and whoever holds the turn looks again."""

    def __init__(self) -> None:
        self.held = threading.Lock()
        self.wanted = threading.Event()


class Projector:
    """Advances projections, one batch at a time, and tells caches after each commit."""

    def __init__(self, database_url: str, publish: Callable[[Progress], None]) -> None:
        self._url = database_url
        self._publish = publish
        self._thread = threading.local()
        self._opened: list[Connection[TupleRow]] = []
        self._turns = {name: _Turn() for name in projection.every()}

    def project(self, name: str, partition: int = 0) -> None:  # noqa: ARG002 - one partition until they are split
        """Fold all that is new. The only code that folds: messages and the periodic look both call it.

        Never waits for another thread that folds the same: that one will look again. Raises psycopg's
        errors; the checkpoint then still says where to go on. Ends after a while even where there is more:
        whoever wants it folded goes on hinting.
        """
        turn = self._turns[name]
        turn.wanted.set()
        deadline, crowded = time.monotonic() + LOOK_S, False
        while turn.wanted.is_set() and time.monotonic() < deadline and turn.held.acquire(blocking=False):
            try:
                turn.wanted.clear()
                progress = engine.advance(self._connection(), projection.every()[name], log.after)
            finally:
                turn.held.release()
            if progress is None and crowded:
                self._publish(Progress(name, 0, {}, 0))  # nothing came: the next one needs a hint
            crowded = progress is not None and progress.events >= CROWD
            if progress:
                turn.wanted.set()
                self._publish(progress)
                if crowded and progress.events < engine.BATCH:
                    time.sleep(GATHER_S)

    def close(self) -> None:
        """Close what every thread has opened."""
        for connection in self._opened:
            connection.close()

    def _connection(self) -> Connection[TupleRow]:
        connection: Connection[TupleRow] | None = getattr(self._thread, "connection", None)
        if connection is None or connection.closed:
            connection = self._thread.connection = connect(self._url, "taskledger worker")
            self._opened = [*(open_ for open_ in self._opened if not open_.closed), connection]
        return connection


def run(settings: Settings, stop: threading.Event) -> None:
    """Work until `stop` is set, then finish what is in hand."""
    messages = broker.broker(settings.broker_url)
    projector = Projector(settings.database_url, projected.publisher(cache.publishing_client(settings.redis_url)))

    def project(name: str, partition: int = 0) -> None:
        _attempt(projector, name, partition)

    dramatiq.actor(broker=messages, queue_name=broker.QUEUE, max_retries=0)(project)
    worker = dramatiq.Worker(messages, worker_threads=len(projection.every()))
    worker.start()
    try:
        while not stop.wait(LOOK_S):
            _look(projector)
    finally:
        worker.stop(timeout=4_000)
        messages.close()
        projector.close()


def _look(projector: Projector) -> None:
    for name in projection.every():
        _attempt(projector, name)


def _attempt(projector: Projector, name: str, partition: int = 0) -> None:
    """The database may be away, or an event unknown: one line for each reason, and the next look tries again."""
    try:
        projector.project(name, partition)
    except Exception as error:  # noqa: BLE001 - whatever it is must not end the worker
        reason = " ".join(str(error).split())
        if _STANDING.get(name) != reason:
            logger.warning("{} stands still: {}", name, reason)
        _STANDING[name] = reason
    else:
        if _STANDING.pop(name, None):
            logger.info("{} goes on", name)
