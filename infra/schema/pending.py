"""Pending migrations: those of this code that a database does not have yet."""

from collections.abc import Collection
from pathlib import Path

MIGRATIONS_DIR = Path(__file__).parent / "migrations"
SELECT_APPLIED_SQL = "select migration_id from public._yoyo_migration"


def migration_names() -> list[str]:
    """The names of all migrations of this code, in order."""
    return sorted(path.stem for path in MIGRATIONS_DIR.glob("*.sql") if not path.name.endswith(".rollback.sql"))


def pending_migrations(applied: Collection[str]) -> list[str]:
    """The names of those that are not among the applied ones, in order."""
    return [name for name in migration_names() if name not in applied]
