"""The keeper: sees to it that every projection of this code has a build, and that what was asked for is done."""

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from time import monotonic
from uuid import UUID

import psycopg

from domain import codec
from domain.upcasts import UPCASTS
from infra import clock, log
from infra.database.pool import folding
from infra.identity import permission_revocations
from infra.logs import logger
from infra.messaging import clients
from infra.processes.child import Child, spawn, stop
from infra.rebuilding import jobs, refold
from infra.settings import PREFIX, Settings
from infra.worker.trash_purge import Purging
from projections.engine import advance, builds, parked
from projections.engine.builds import SyncConnection

FOR_STOPPING_S = 3.0
PURGE_S = 60.0
"""So often the trash is looked through."""


class Keeper:
    """What a worker does beside folding; made and used in its main thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: SyncConnection | None = None
        self._child: Child | None = None
        self._tried: set[tuple[int, str, int]] = set()
        self._is_new = True
        self._purging = Purging(
            settings.database_url, permission_revocations.teller(clients.publishing_client(settings.redis_url))
        )
        self._next_purge = 0.0
        self.partitions = settings.partitions
        """How many there are, of whatever build has the most."""

    def look(self) -> None:
        """Look after everything once: what is wrong with one thing is raised when all others were looked after."""
        if self._connection is None or self._connection.closed:
            self._connection = folding(self._settings.database_url, "taskledger keeper")
        connection, wrong = self._connection, list[str]()
        found = builds.serving_builds(connection)
        self.partitions = max([self.partitions, *(build.partitions for build in found.values())])
        steps: list[Callable[[], None]] = [
            partial(jobs.sweep, connection),
            partial(self._ask_for_what_is_missing, connection),
            partial(self._carry_out, connection),
            *(partial(self._retry, connection, build) for build in found.values()),
            *(partial(self._split, connection, build) for build in found.values()),
            partial(self._purge, connection),
        ]
        for step in steps:
            try:
                step()
            except (psycopg.OperationalError, psycopg.InterfaceError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is must not keep the others waiting
                wrong.append(f"{type(error).__name__}: {error}")
        self._is_new = False
        if wrong:
            raise RuntimeError("; ".join(wrong))

    def _ask_for_what_is_missing(self, connection: SyncConnection) -> None:
        for projection in builds.unbuilt_projections(connection):
            if not jobs.failed_lately(connection, projection):
                jobs.ask_for_missing(connection, projection)

    def _carry_out(self, connection: SyncConnection) -> None:
        if self._child is None or self._child.poll() is not None:
            self._child = None
            if operation := jobs.claim(connection):
                self._child = self._started(operation)

    def _purge(self, connection: SyncConnection) -> None:
        if monotonic() >= self._next_purge:
            before = clock.now() - timedelta(days=self._settings.trash_days)
            self._next_purge = monotonic() + PURGE_S  # even if this look fails
            if self._purging.look(connection, before):
                self._next_purge = 0.0

    def _split(self, connection: SyncConnection, build: builds.Build) -> None:
        """Once, by each worker that starts: two that want it otherwise do not go on undoing each other's work."""
        if self._is_new and build.partitions != self._settings.partitions:
            advance.repartition(connection, build, log.after, self._settings.partitions)

    def close(self) -> None:
        """End what is being done; it is begun again by whoever looks next."""
        if self._child:
            stop([self._child], FOR_STOPPING_S)
        if self._connection:
            self._connection.close()

    def _retry(self, connection: SyncConnection, build: builds.Build) -> None:
        """Documents that were parked for an event which other code did not know, and this one does."""
        for one in parked.parked_by_unknown(connection, build, codec.known().keys() | UPCASTS.keys()):
            place = (build.number, one.document, one.position)
            if place not in self._tried:
                why = refold.retry(connection, build, one)
                self._tried.add(place)
                logger.info("{} {}: {}", build.projection.name, one.document, why.reason if why else "folded again")

    def _started(self, operation: UUID) -> Child:
        """In a process of its own, so that folding goes on here."""
        argv = [sys.executable, "-P", "-m", "infra.rebuilding.run_job", str(operation)]
        environment = {**os.environ, f"{PREFIX}DATABASE_URL": self._settings.database_url}
        return spawn(argv, env=environment, log=sys.stderr.buffer)
