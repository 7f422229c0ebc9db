"""Comparing two builds row by row: how many rows differ, and the first of them."""

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct
from psycopg.sql import SQL, Composed, Identifier

from projections.engine import table
from projections.engine.builds import Build
from projections.engine.connection import SyncConnection
from projections.projection import DocumentKey

MAX_SHOWN_DIFFERENCES = 10
"""Only the first are returned; all are counted."""
_COLUMN_TYPES = """select attname, format_type(atttypid, null) from pg_attribute
    where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped and attgenerated = ''"""


class RowDifference(Struct, frozen=True):
    """A document that differs: its live row and its fresh row, None if there is none."""

    document: str
    live: dict[str, Any] | None
    fresh: dict[str, Any] | None

    def changed_fields(self) -> dict[str, tuple[Any, Any]]:
        """The fields that differ, each with its live and its fresh value."""
        live, fresh = self.live or {}, self.fresh or {}
        names = [*fresh, *(name for name in live if name not in fresh)]
        return {name: (live.get(name), fresh.get(name)) for name in names if live.get(name) != fresh.get(name)}


class Comparison(Struct, frozen=True):
    """How many rows differ, and the first of them."""

    count: int
    first: list[RowDifference]


def compare_builds(
    connection: SyncConnection,
    fresh: Build,
    live: Build,
    *,
    only_keys: Collection[DocumentKey] | None = None,
    excluded_keys: Collection[DocumentKey] = (),
) -> Comparison | None:
    """Compare all rows or those of `only_keys`, without `excluded_keys`, by the columns that both builds have.

    None if their keys have different types, as other code may have had.
    """
    mine, other = (_column_types(connection, build) for build in (fresh, live))
    if mine["id"] != other.get("id"):
        return None
    shared = [name for name, kind in mine.items() if other.get(name) == kind]
    parameters = {
        "only": list(only_keys) if only_keys is not None else None,
        "but": list(excluded_keys),
        "shown": MAX_SHOWN_DIFFERENCES,
    }
    with connection.transaction():
        connection.execute("set local work_mem = '64MB'")
        rows = connection.execute(_comparison_sql(fresh, live, shared), parameters).fetchall()
    first = [
        RowDifference(str(key), *(row and {name: row[name] for name in shared} for row in sides))
        for key, *sides, _ in rows
    ]
    return Comparison(rows[0][-1] if rows else 0, first)


def _column_types(connection: SyncConnection, build: Build) -> Mapping[str, str]:
    return dict(connection.execute(_COLUMN_TYPES, (build.table_name.as_string(),)).fetchall())


def _comparison_sql(fresh: Build, live: Build, shared: Collection[str]) -> Composed:
    rows = [SQL(", ").join(Identifier(side, name) for name in shared) for side in ("fresh", "live")]
    kind = SQL(table.column_types(fresh.projection)["id"])
    only = SQL("(%(only)s::{kind}[] is null or id = any(%(only)s::{kind}[]))").format(kind=kind)
    return SQL(
        """select coalesce(fresh.id, live.id), to_jsonb(live), to_jsonb(fresh), count(*) over ()
        from (select * from {fresh} where {only}) as fresh
        full join (select * from {live} where {only}) as live using (id)
        where row({mine}) is distinct from row({theirs}) and coalesce(fresh.id, live.id) <> all(%(but)s::{kind}[])
        order by 1 limit %(shown)s"""
    ).format(
        fresh=fresh.table_name,
        live=live.table_name,
        only=only,
        kind=kind,
        mine=rows[0],
        theirs=rows[1],
    )
