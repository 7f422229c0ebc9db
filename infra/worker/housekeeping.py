"""Housekeeping of a worker: missing builds, jobs, bulk changes, parked documents, partitions, trash, archive, blobs."""

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from time import monotonic

import psycopg

from domain import codec
from domain.upcasts import UPCASTS
from infra import clock, log
from infra.blobs.open_store import open_blob_store
from infra.bulk.bulk_store import IS_WAITING_SQL
from infra.database.connections import connect_for_folding
from infra.identity import permission_revocations
from infra.logs import logger
from infra.messaging import redis_clients
from infra.processes.child import Child, spawn, stop
from infra.rebuilding import jobs, refold
from infra.settings import ENVIRONMENT_PREFIX, Settings
from infra.worker.auto_archive import AutoArchive
from infra.worker.blob_sweep import BlobSweep
from infra.worker.trash_purge import TrashPurge
from projections.engine import advance, builds, parked
from projections.engine.connection import SyncConnection

MAX_STOP_S = 3.0
PURGE_INTERVAL_S = 60.0
"""The trash is checked this often."""
ARCHIVE_INTERVAL_S = 3600.0
"""The tasks that are due for the archive are looked for this often: their rules count days."""
SWEEP_INTERVAL_S = 3600.0
"""The blob store is swept this often."""
MIN_SWEPT_AGE = timedelta(hours=1)
"""Bytes younger than this may belong to a command that is being carried out."""


class Housekeeping:
    """What a worker does beside folding; used in its main thread only."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: SyncConnection | None = None
        self._job_process: Child | None = None
        self._bulk_process: Child | None = None
        self._retried: set[tuple[int, str, int]] = set()
        self._is_first_run = True
        blobs = open_blob_store(settings.blobs)
        self._trash_purge = TrashPurge(
            settings.database_url,
            permission_revocations.announcer(redis_clients.publisher_client(settings.redis_url)),
            blobs.delete,
        )
        self._blob_sweep = BlobSweep(blobs)
        self._auto_archive = AutoArchive(settings.database_url)
        self._next_purge_at = self._next_archive_at = self._next_sweep_at = 0.0
        self.partitions = settings.partitions
        """The largest number of partitions of any build."""

    def run_once(self) -> None:
        """Run every step once; an error of one is raised after the others have run."""
        if self._connection is None or self._connection.closed:
            self._connection = connect_for_folding(self._settings.database_url, "taskledger housekeeping")
        connection, errors = self._connection, list[str]()
        serving = builds.serving_builds(connection)
        self.partitions = max([self.partitions, *(build.partitions for build in serving.values())])
        steps: list[Callable[[], None]] = [
            partial(jobs.reap_dead, connection),
            partial(self._enqueue_missing, connection),
            partial(self._start_next_job, connection),
            partial(self._start_bulk_changes, connection),
            *(partial(self._retry_parked, connection, build) for build in serving.values()),
            *(partial(self._split_partitions, connection, build) for build in serving.values()),
            partial(self._purge_trash, connection),
            partial(self._archive_tasks, connection),
            partial(self._sweep_blobs, connection),
        ]
        for step in steps:
            try:
                step()
            except (psycopg.OperationalError, psycopg.InterfaceError):
                raise
            except Exception as error:  # noqa: BLE001 - no error of one step stops the others
                errors.append(f"{type(error).__name__}: {error}")
        self._is_first_run = False
        if errors:
            raise RuntimeError("; ".join(errors))

    def _enqueue_missing(self, connection: SyncConnection) -> None:
        for projection in builds.unbuilt_projections(connection):
            if not jobs.has_failed_recently(connection, projection):
                jobs.enqueue_missing(connection, projection)

    def _start_next_job(self, connection: SyncConnection) -> None:
        if self._job_process is None or self._job_process.poll() is not None:
            self._job_process = None
            if job_id := jobs.claim(connection):
                self._job_process = self._spawn("infra.rebuilding.run_job", str(job_id))

    def _start_bulk_changes(self, connection: SyncConnection) -> None:
        if self._bulk_process is None or self._bulk_process.poll() is not None:
            self._bulk_process = None
            if (connection.execute(IS_WAITING_SQL).fetchone() or (False,))[0]:
                self._bulk_process = self._spawn("infra.bulk.run_bulk_changes")

    def _purge_trash(self, connection: SyncConnection) -> None:
        if monotonic() >= self._next_purge_at:
            before = clock.now() - timedelta(days=self._settings.trash_days)
            self._next_purge_at = monotonic() + PURGE_INTERVAL_S  # even if this attempt fails
            if self._trash_purge.purge_page(connection, before):
                self._next_purge_at = 0.0

    def _archive_tasks(self, connection: SyncConnection) -> None:
        if monotonic() >= self._next_archive_at:
            self._next_archive_at = monotonic() + ARCHIVE_INTERVAL_S  # even if this attempt fails
            if self._auto_archive.archive_page(connection, clock.now()):
                self._next_archive_at = 0.0

    def _sweep_blobs(self, connection: SyncConnection) -> None:
        if monotonic() >= self._next_sweep_at:
            self._next_sweep_at = monotonic() + SWEEP_INTERVAL_S  # even if this attempt fails
            if self._blob_sweep.sweep_page(connection, clock.now() - MIN_SWEPT_AGE):
                self._next_sweep_at = 0.0

    def _split_partitions(self, connection: SyncConnection, build: builds.Build) -> None:
        """Only when a worker starts: two workers with different settings would undo each other's work for ever."""
        if self._is_first_run and build.partitions != self._settings.partitions:
            advance.repartition(connection, build, log.load_after, self._settings.partitions)

    def close(self) -> None:
        """Stop the running job and bulk change; another worker goes on with them."""
        if children := [child for child in (self._job_process, self._bulk_process) if child]:
            stop(children, MAX_STOP_S)
        if self._connection:
            self._connection.close()

    def _retry_parked(self, connection: SyncConnection, build: builds.Build) -> None:
        """Retry documents that other code parked for an event type that this code knows."""
        for parked_document in parked.parked_by_unknown(
            connection, build, codec.all_event_types().keys() | UPCASTS.keys()
        ):
            key = (build.number, parked_document.document, parked_document.position)
            if key not in self._retried:
                still_parked = refold.retry_parked(connection, build, parked_document)
                self._retried.add(key)
                logger.info(
                    "{} {}: {}",
                    build.projection.name,
                    parked_document.document,
                    still_parked.reason if still_parked else "folded again",
                )

    def _spawn(self, module: str, *arguments: str) -> Child:
        """Start a module in a process of its own, so that folding continues here."""
        environment = dict(os.environ)
        for name in ("database_url", "redis_url"):
            variable = f"{ENVIRONMENT_PREFIX}{name.upper()}"
            environment |= {variable: getattr(self._settings, name), f"{variable}_FILE": ""}
        return spawn([sys.executable, "-P", "-m", module, *arguments], env=environment, log=sys.stderr.buffer)
