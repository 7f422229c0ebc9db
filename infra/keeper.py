"""The keeper: sees to it that every projection of this code has a build, and that what was asked for is done."""

import os
import sys
from uuid import UUID

from domain import codec
from domain.upcasts import UPCASTS
from infra import documents, log, operations
from infra.embedded.process import Child, spawn, stop
from infra.logs import logger
from infra.operations import Options
from infra.postgres import folding
from infra.settings import PREFIX, Settings
from projections.engine import advance, builds, parked
from projections.engine.builds import Database

FOR_STOPPING_S = 3.0


class Keeper:
    """What a worker does beside folding; made and used in its main thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: Database | None = None
        self._child: Child | None = None
        self._tried: set[tuple[int, str, int]] = set()

    def look(self) -> None:
        """Look after everything once; raises psycopg's errors."""
        if self._connection is None or self._connection.closed:
            self._connection = folding(self._settings.database_url, "taskledger keeper")
        connection = self._connection
        for projection in builds.missing(connection):
            if not operations.failed_lately(connection, projection):
                operations.ask(connection, projection, Options(expect_changes=True))
        for build in builds.serving(connection).values():
            if build.partitions != self._settings.partitions:
                advance.split(connection, build, log.after, self._settings.partitions)
            self._retry(connection, build)
        operations.sweep(connection)
        if self._child is None or self._child.poll() is not None:
            self._child = None
            if operation := operations.claim(connection):
                self._child = self._started(operation)

    def close(self) -> None:
        """End what is being done; it is begun again by whoever looks next."""
        if self._child:
            stop([self._child], FOR_STOPPING_S)
        if self._connection:
            self._connection.close()

    def _retry(self, connection: Database, build: builds.Build) -> None:
        """Documents that were parked for an event which other code did not know, and this one does."""
        for one in parked.unknown(connection, build, codec.known().keys() | UPCASTS.keys()):
            place = (build.number, one.document, one.position)
            if place not in self._tried:
                self._tried.add(place)
                why = documents.retry(connection, build, one)
                logger.info("{} {}: {}", build.projection.name, one.document, why.reason if why else "folded again")

    def _started(self, operation: UUID) -> Child:
        """In a process of its own, so that folding goes on here."""
        argv = [sys.executable, "-P", "-m", "infra.operation", str(operation)]
        environment = {**os.environ, f"{PREFIX}DATABASE_URL": self._settings.database_url}
        return spawn(argv, env=environment, log=sys.stderr.buffer)
