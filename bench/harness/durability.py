"""Durability: PostgreSQL's own settings, because figures without durable commits are worthless."""

import os
import tempfile
import time
from pathlib import Path

import psutil
from psycopg import Connection
from psycopg.rows import TupleRow

REQUIRED_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes")
_MEMORY = {"tmpfs", "ramfs"}
_ROLE_SETTINGS_SQL = """select setting from pg_db_role_setting, unnest(setconfig) setting
    where split_part(setting, '=', 1) = any(%s) order by setting"""
_SETTINGS_SQL = "select name, setting from pg_settings where name = any(%s) order by name"


_SYNC_TEST_S, _PAGE_BYTES, _SEGMENT_PAGES = 1.0, 8192, 2048
"""How long the disk is tested: pages of a segment of PostgreSQL's log, which exists before and is overwritten."""


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
    """The settings that make a commit durable; raises NotDurable unless all of them are on, for every role."""
    found: dict[str, str] = dict(connection.execute(_SETTINGS_SQL, (list(REQUIRED_SETTINGS),)).fetchall())
    if found != dict.fromkeys(REQUIRED_SETTINGS, "on"):
        raise NotDurable(found)
    if own := find_role_settings(connection):
        raise NotDurable(own)
    return found


def find_role_settings(connection: Connection[TupleRow]) -> list[str]:
    """Durability settings of single roles or databases: a role of the API could differ from the one that we ask as."""
    return [setting for (setting,) in connection.execute(_ROLE_SETTINGS_SQL, (list(REQUIRED_SETTINGS),))]


def measure_disk_syncs_per_s(folder: Path) -> float:
    """How many pages a second one writer can make durable, one after the other, as PostgreSQL syncs its log."""
    page = os.urandom(_PAGE_BYTES)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(page * _SEGMENT_PAGES)
        file.flush()
        os.fsync(file.fileno())
        sync = getattr(os, "fdatasync", os.fsync)  # not on macOS
        began, count = time.monotonic(), 0
        while time.monotonic() < began + _SYNC_TEST_S:
            os.pwrite(file.fileno(), page, count % _SEGMENT_PAGES * _PAGE_BYTES)
            sync(file.fileno())
            count += 1
        return round(count / (time.monotonic() - began), 1)
