"""Bringing a database up to date: SQL files in order, then the tables of the projections."""

from contextlib import closing
from pathlib import Path

import yoyo

from infra.postgres import connect
from projections import engine, projection

FILES = Path(__file__).parent / "migrations"
LOCK = 7291402113004156
"""An advisory lock; the log's own is the number before."""


def migrate(url: str) -> list[str]:
    """Apply what is missing, and answer the names of what was applied. `url` is the owner's.

    Only one at a time; the server lets go of the lock of one that was killed, as yoyo's own lock would not.
    """
    with connect(url) as connection:
        connection.execute("select pg_advisory_lock(%s)", (LOCK,))
        applied = _apply(url)
        for found in projection.every().values():
            engine.prepare(connection, found)
    return applied


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
