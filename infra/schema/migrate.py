"""Bringing a database up to date: SQL files in order, the application's rights, the tables of the projections."""

import functools
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import yoyo

from infra import log
from infra.database.pool import connect, folding
from infra.errors import OperatorError
from infra.rebuilding.outcome import Step, Wish
from infra.rebuilding.rebuild import Held, Rebuilding
from infra.schema import grants
from projections.engine import builds, table
from projections.engine.builds import SyncConnection
from projections.projection import Projection

Tell: TypeAlias = Callable[[str, Step], None]
"""Hears each step of a projection that is folded."""
PAUSE_S = 0.5
FILES = Path(__file__).parent / "migrations"
LOCK = 7291402113004156
"""An advisory lock; the log's own is the number before."""


def migrate(url: str, application: str | None = None, tell: Tell = lambda *_: None) -> list[str]:
    """Apply what is missing, fold what is missing, and answer the names of what was applied.

    `url` is the owner's; `application` names the same database to the application, where that is another role.
    Only one at a time; the server lets go of the lock of one that was killed, as yoyo's own lock would not.
    """
    with connect(url) as connection:
        connection.execute("select pg_advisory_lock(%s)", (LOCK,))
        applied = _apply(url)
        grants.admit(connection, application or url)
        _prepare(application or url, tell)
    return applied


def _prepare(application: str, tell: Tell) -> None:
    """Fold the projections that this code has no build of, as the role whose own they will be.

    What answers for other code goes on: so processes of the new one are ready as soon as they start.
    """
    with folding(application, "taskledger migrate") as connection:
        if connection.execute("select pg_try_advisory_lock(%s)", (LOCK,)).fetchone() == (True,):
            raise OperatorError("TASKLEDGER_MIGRATION_URL and TASKLEDGER_DATABASE_URL name two databases: name one.")
        for missing in builds.unbuilt_projections(connection):
            if log.head(connection):
                _rebuild(connection, application, missing, functools.partial(tell, missing.name))
            else:
                _begin(connection, missing)


def _rebuild(connection: SyncConnection, url: str, projection: Projection[Any], tell: Callable[[Step], None]) -> None:
    """Fold it, or wait for whoever does that already: a worker of the new code, perhaps."""
    while projection in builds.unbuilt_projections(connection):
        try:
            Rebuilding(url, projection, Wish(expect_changes=True), tell).run()
        except Held:
            tell(Step("waiting for somebody else"))
            time.sleep(PAUSE_S)


def _begin(connection: SyncConnection, projection: Projection[Any]) -> None:
    """The build of an empty log."""
    with connection.transaction():
        build = builds.create_build(connection, projection, 1)
        for statement in (table.create_table_sql(build), *table.create_index_sql(build)):
            connection.execute(statement)
        builds.set_checkpoints(connection, build, 0)
        builds.serve_build(connection, build)


def _apply(url: str) -> list[str]:
    migrations = yoyo.read_migrations(str(FILES))
    backend = yoyo.get_backend(
        url.replace("postgres://", "postgresql://").replace("postgresql://", "postgresql+psycopg://")
    )
    with closing(backend.connection):
        missing = backend.to_apply(migrations)
        backend.apply_migrations(missing)
    return [migration.id for migration in missing]


def pending(url: str) -> list[str]:
    """The names of the migrations that the database lacks."""
    with connect(url) as connection:
        known = connection.execute("select to_regclass('public._yoyo_migration')").fetchone()
        done = (
            {name for (name,) in connection.execute("select migration_id from _yoyo_migration")}
            if known and known[0]
            else set()
        )
    return [migration.id for migration in yoyo.read_migrations(str(FILES)) if migration.id not in done]
