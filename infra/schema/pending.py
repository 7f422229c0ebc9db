"""Pending migrations: those of this code that a database does not have yet."""

from collections.abc import Collection
from pathlib import Path

from infra.database.connections import connect

MIGRATIONS_DIR = Path(__file__).parent / "migrations"
SELECT_APPLIED_SQL = "select migration_id from public._yoyo_migration"


def migration_names() -> list[str]:
    """The names of all migrations of this code, in order."""
    return sorted(path.stem for path in MIGRATIONS_DIR.glob("*.sql") if not path.name.endswith(".rollback.sql"))


def pending_migrations(applied: Collection[str]) -> list[str]:
    """The names of those that are not among the applied ones, in order."""
    return [name for name in migration_names() if name not in applied]


def fetch_pending_migrations(url: str) -> list[str]:
    """The names of the migrations that a database does not have yet, in order."""
    with connect(url) as connection:
        migration_table = connection.execute("select to_regclass('public._yoyo_migration')").fetchone()
        has_table = migration_table is not None and migration_table[0] is not None
        return pending_migrations({name for (name,) in connection.execute(SELECT_APPLIED_SQL)} if has_table else set())
