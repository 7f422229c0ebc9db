"""Durability: PostgreSQL's own settings, because figures without durable commits are worthless."""

from pathlib import Path

import psutil
from psycopg import Connection
from psycopg.rows import TupleRow

REQUIRED_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes")
_MEMORY = {"tmpfs", "ramfs"}
_SETTINGS_SQL = "select name, setting from pg_settings where name = any(%s) order by name"


class NotDurable(Exception):
    """Acknowledged commits could be lost, so nothing is measured."""


def require_on_disk(folder: Path) -> str:
    """The type of the file system that contains a folder; raises NotDurable if it is in memory."""
    mounts = {one.mountpoint: one.fstype for one in psutil.disk_partitions(all=True)}
    above = next((str(one) for one in (folder, *folder.parents) if str(one) in mounts), "")
    kind = mounts.get(above, "unknown")
    if kind in _MEMORY:
        raise NotDurable(f"{folder} is in memory: set TMPDIR to a folder on a disk.")
    return kind


def require_durable(connection: Connection[TupleRow]) -> dict[str, str]:
    """The settings that make a commit durable; raises NotDurable unless all of them are on."""
    found: dict[str, str] = dict(connection.execute(_SETTINGS_SQL, (list(REQUIRED_SETTINGS),)).fetchall())
    if found != dict.fromkeys(REQUIRED_SETTINGS, "on"):
        raise NotDurable(found)
    return found
