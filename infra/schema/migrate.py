"""Migration of a database: SQL files in order, the application's privileges, the tables of the projections."""

import functools
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeAlias

import yoyo

from infra import log
from infra.database.connections import connect, connect_for_folding
from infra.errors import OperatorError
from infra.rebuilding.outcome import RebuildProgress
from infra.rebuilding.rebuild import ProjectionRebuild, RebuildInProgress, RebuildOptions
from infra.schema import grants
from infra.schema.pending import MIGRATIONS_DIR
from projections.engine import builds, table
from projections.engine.connection import SyncConnection
from projections.projection import Projection

StepReporter: TypeAlias = Callable[[str, RebuildProgress], None]
"""Called with the name of a projection and its progress, at each step of its rebuild."""
REBUILD_POLL_INTERVAL_S = 0.5
MIGRATION_LOCK_ID = 7291402113004156
"""The id of an advisory lock; the log's own lock has the number before it."""


def migrate(
    owner_url: str, application_url: str | None = None, report_step: StepReporter = lambda *_: None
) -> list[str]:
    """Apply pending migrations and build missing projections; return the names of the applied migrations.

    `owner_url` is the owner's; `application_url` is the application's for the same database, if it has its own role.
    Only one migration runs at a time. PostgreSQL releases the lock of a process that was killed; yoyo's own lock would
    stay.
    """
    with connect(owner_url) as connection:
        connection.execute("select pg_advisory_lock(%s)", (MIGRATION_LOCK_ID,))
        applied = _apply_migrations(owner_url)
        grants.apply_grants(connection, application_url or owner_url)
        _build_missing(application_url or owner_url, report_step)
    return applied


def _build_missing(application_url: str, report_step: StepReporter) -> None:
    """Build the projections for which this version of the code has no build, as the role that will own them.

    The builds of other versions go on serving. So processes of the new version are ready as soon as they start.
    """
    with connect_for_folding(application_url, "taskledger migrate") as connection:
        if connection.execute("select pg_try_advisory_lock(%s)", (MIGRATION_LOCK_ID,)).fetchone() == (True,):
            raise OperatorError("TASKLEDGER_MIGRATION_URL and TASKLEDGER_DATABASE_URL name two databases: name one.")
        for missing in builds.unbuilt_projections(connection):
            if log.head(connection):
                _rebuild_or_wait(connection, application_url, missing, functools.partial(report_step, missing.name))
            else:
                _create_empty_build(connection, missing)


def _rebuild_or_wait(
    connection: SyncConnection, url: str, projection: Projection[Any], report_step: Callable[[RebuildProgress], None]
) -> None:
    """Rebuild the projection, or wait while another process rebuilds it: perhaps a worker of the new version."""
    while projection in builds.unbuilt_projections(connection):
        try:
            ProjectionRebuild(url, projection, RebuildOptions(expect_changes=True), report_step).run()
        except RebuildInProgress:
            report_step(RebuildProgress("waiting for another process"))
            time.sleep(REBUILD_POLL_INTERVAL_S)


def _create_empty_build(connection: SyncConnection, projection: Projection[Any]) -> None:
    """Create and serve the empty build of a projection, for an empty log."""
    with connection.transaction():
        build = builds.create_build(connection, projection, 1)
        for statement in (table.create_table_sql(build), *table.create_index_sql(build)):
            connection.execute(statement)
        builds.set_checkpoints(connection, build, 0)
        builds.serve_build(connection, build)


def _apply_migrations(url: str) -> list[str]:
    migrations = yoyo.read_migrations(str(MIGRATIONS_DIR))
    backend = yoyo.get_backend(
        url.replace("postgres://", "postgresql://").replace("postgresql://", "postgresql+psycopg://")
    )
    with closing(backend.connection):
        unapplied = backend.to_apply(migrations)
        backend.apply_migrations(unapplied)
    return [migration.id for migration in unapplied]
