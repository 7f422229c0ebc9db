"""The table of a build: its columns, documents in and out."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Literal, TypeAlias, TypeVar, cast, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import astuple
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier
from psycopg.types.json import set_json_loads

from projections.engine.builds import Build
from projections.projection import Key, Projection, by_position

_SELECT = "select {fields} from {table} where id = any(%b)"
_INSERT = "insert into {table} ({fields}) select {fields} from json_populate_recordset(null::{table}, %s::json)"
"""All rows in one statement, as JSON: the database takes them apart, and a column's type says how."""
_UPSERT = f"{_INSERT} on conflict (id) do update set {{changes}}"
_UPDATE = """update {table} as old set {changes}
    from json_populate_recordset(null::{table}, %s::json) as excluded where old.id = excluded.id"""
"""Only the columns that changed: what is generated from others, and indexes of them, stay as they are."""
R = TypeVar("R")
Decode: TypeAlias = Callable[[Raw], Any]
Rows = Mapping[Key, Any]

_TYPES = {UUID: "uuid", str: "text", int: "bigint", bool: "boolean", datetime: "timestamptz"}


def columns(row: type[Struct]) -> dict[str, str]:
    """The type of each column; what is no plain value is kept as jsonb."""
    return {field.name: _type(field.type) for field in msgspec.structs.fields(row)}


def _type(wanted: Any) -> str:
    if get_origin(wanted) is Literal:
        return "text"
    kept = [each for each in get_args(wanted) if each is not type(None)]
    return _type(kept[0]) if len(kept) == 1 and type(None) in get_args(wanted) else _TYPES.get(wanted, "jsonb")


def create(build: Build) -> Composed:
    """The statement that makes the table, without any index: filling it comes first."""
    kinds = [*columns(build.projection.row).items(), *build.projection.generated]
    each = [SQL("{} {}").format(Identifier(name), SQL(kind)) for name, kind in kinds]
    return SQL("create table {} ({}) with (fillfactor = 80)").format(build.table, SQL(", ").join(each))


def indexes(build: Build) -> list[Composed]:
    """The statements that make a filled table quick to ask."""
    more = [SQL("create index on {} " + index).format(build.table) for index in build.projection.indexes]
    return [SQL("alter table {} add primary key (id)").format(build.table), *more]


def loading(connection: Connection[TupleRow], build: Build, keys: Collection[Key]) -> Cursor[TupleRow] | None:
    """Ask for the documents of these keys, where there may be any, and do not wait for the answer."""
    is_new = build.projection.keys is by_position  # no event comes twice
    return asked(connection, build, keys) if keys and not is_new else None


def asked(connection: Connection[TupleRow], build: Build, keys: Collection[Key]) -> Cursor[TupleRow]:
    """Ask for the documents of these keys."""
    sql = _statement(_SELECT, build.projection.row.__struct_fields__, build.table.as_string())
    cursor = connection.cursor(binary=True)
    set_json_loads(Raw, cursor)  # whoever knows the type decodes it
    return cursor.execute(sql, (list(keys),), prepare=True)


def loaded(build: Build, cursor: Cursor[TupleRow] | None) -> dict[Key, Any]:
    """The documents that there are, by key."""
    row = build.projection.row
    nested = _nested(build.projection)
    return {found[0]: _document(row, nested, found) for found in cursor.fetchall()} if cursor else {}


def document(row: type[R], found: Mapping[str, object]) -> R:
    """A row of the table as its Struct; a plain dict stays what it is."""
    return cast("R", found) if row is dict else msgspec.convert(found, row, str_keys=True)


def _document(row: type[R], nested: Sequence[tuple[int, Decode]], found: TupleRow) -> R:
    """The same from the columns in their order: only what is nested has to be decoded."""
    fields = list(found)
    for place, decode in nested:
        if fields[place] is not None:
            fields[place] = decode(fields[place])
    return row(*fields)


@cache
def _nested(projection: Projection[Any]) -> tuple[tuple[int, Decode], ...]:
    """The places of columns that are kept as jsonb, and what makes of one what it is."""
    fields = enumerate(msgspec.structs.fields(projection.row))
    return tuple((place, Decoder(field.type).decode) for place, field in fields if _type(field.type) == "jsonb")


def save(connection: Connection[TupleRow], build: Build, before: Rows, rows: Rows) -> None:
    """Write documents: new ones, of those from before what has changed; remove those that are None."""
    table = build.table.as_string()
    new = [row for key, row in rows.items() if row is not None and key not in before]
    gone = [key for key, row in rows.items() if row is None]
    if new:
        sql = _statement(_UPSERT, build.projection.row.__struct_fields__, table)
        connection.execute(sql, (msgspec.json.encode(new).decode(),), prepare=True)
    for names, some in _changed(before, rows).items():
        connection.execute(_statement(_UPDATE, names, table), (msgspec.json.encode(some).decode(),), prepare=True)
    if gone:
        connection.execute(SQL("delete from {} where id = any(%s)").format(build.table), (gone,))


def _changed(before: Rows, rows: Rows) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """What is new in documents from before, by the names of the columns."""
    found: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for key, row in rows.items():
        old = before.get(key)
        if row is not None and old is not None:
            sides = zip(row.__struct_fields__, astuple(row), astuple(old), strict=True)
            news = {name: new for name, new, was in sides if new is not was and new != was}
            if news:
                found.setdefault(tuple(news), []).append({"id": key, **news})
    return found


def put(connection: Connection[TupleRow], build: Build, key: Key, row: Any) -> None:
    """Write one document over what was there, by itself, whether the table has its indexes yet or not."""
    connection.execute(SQL("delete from {} where id = %s").format(build.table), (key,))
    if row is not None:
        sql = _statement(_INSERT, build.projection.row.__struct_fields__, build.table.as_string())
        connection.execute(sql, (msgspec.json.encode([row]).decode(),))


def fill(connection: Connection[TupleRow], build: Build, rows: Iterable[Any]) -> int:
    """Write documents that were not there, by COPY; answers how many. Not inside a pipeline."""
    kinds, count = columns(build.projection.row), 0
    names = SQL(", ").join(map(Identifier, kinds))
    sql = SQL("copy {} ({}) from stdin (format binary)").format(build.table, names)
    with connection.cursor() as cursor, cursor.copy(sql) as copy:
        copy.set_types(list(kinds.values()))
        for row in rows:
            copy.write_row(astuple(row))
            count += 1
    return count


@cache
def _statement(sql: str, fields: tuple[str, ...], table: str) -> bytes:
    """The statement for one table, put together once."""
    names = [Identifier(field) for field in fields]
    changes = SQL(", ").join(SQL("{0} = excluded.{0}").format(name) for name in names)
    return SQL(sql).format(table=SQL(table), fields=SQL(", ").join(names), changes=changes).as_bytes()
