"""The table of a build: its columns, and reading and writing documents."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Literal, TypeAlias, TypeVar, cast, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import Raw
from msgspec.json import Decoder
from msgspec.structs import astuple
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from projections.engine import tsvector_adapter
from projections.engine.builds import Build
from projections.engine.folding import DocumentChange
from projections.engine.pipeline import Pipeline, array_literal
from projections.projection import DocumentKey, Projection
from projections.tsvector import TsVector

_SELECT = "select {fields} from {table} where id = any($1)"
_INSERT = "insert into {table} ({fields}) select {fields} from {source} as excluded ({fields})"
"""All rows in one statement."""
_UPSERT = f"{_INSERT} on conflict (id) do update set {{changes}}"
_UPDATE = "update {table} as old set {changes} from {source} as excluded ({fields}) where old.id = excluded.id"
"""Only the changed columns, so that generated columns and indexes of others are not written."""
_JSON_SOURCE = """(select {fields} from json_populate_recordset(
    json_populate_record(null::{table}, $1::json), $2::json))"""
"""Rows as JSON, which the database parses by the types of the columns: first the values that all rows have in common.

A new task has many such values, each of which costs the database half a microsecond a row.
"""
R = TypeVar("R")
Decode: TypeAlias = Callable[[Raw], Any]

_POSTGRES_TYPES = {
    UUID: "uuid",
    str: "text",
    int: "bigint",
    bool: "boolean",
    datetime: "timestamptz",
    TsVector: "tsvector",
}


@cache
def column_types(projection: Projection[Any]) -> Mapping[str, str]:
    """The type of each column; a nested value is jsonb. Reading the annotations takes longer than a small statement."""
    return {field.name: _column_type(field.type) for field in msgspec.structs.fields(projection.row_type)}


def _column_type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return "text"
    kept = [each for each in get_args(annotation) if each is not type(None)]
    return (
        _column_type(kept[0])
        if len(kept) == 1 and type(None) in get_args(annotation)
        else _POSTGRES_TYPES.get(annotation, "jsonb")
    )


def create_table_sql(build: Build) -> Composed:
    """The statement that creates the table, without indexes: they follow once it is filled."""
    kinds = [*column_types(build.projection).items(), *build.projection.generated_columns]
    each = [
        SQL("{} {}{}").format(Identifier(name), SQL(kind), SQL(" not null" if name == "id" else ""))
        for name, kind in kinds
    ]
    return SQL("create table {} ({}) with (fillfactor = 80)").format(build.table_name, SQL(", ").join(each))


def create_index_sql(build: Build) -> list[Composed]:
    """The statements that create the indexes of a filled table, at the same time if need be.

    The unique index of `id` is no primary key: adding one would lock the table, and the other statements would wait.
    """
    more = [SQL("create index on {} " + index).format(build.table_name) for index in build.projection.indexes]
    name = Identifier(f"{build.projection.name}_{build.number}_pkey")
    return [SQL("create unique index {} on {} (id)").format(name, build.table_name), *more]


def select_documents(pipeline: Pipeline, build: Build, keys: Collection[DocumentKey]) -> list[TupleRow]:
    """Query the documents of these keys; `documents_by_key` reads the rows."""
    sql = _build_statement(_SELECT, build.projection.row_type.__struct_fields__, build.table_name.as_string())
    return pipeline.send(sql, array_literal(keys)) if keys else []


def documents_by_key(build: Build, rows: Iterable[TupleRow]) -> dict[DocumentKey, Any]:
    """The documents of these rows, by key."""
    row = build.projection.row_type
    nested = _jsonb_decoders(build.projection)
    return {found[0]: _struct_from_columns(row, nested, found) for found in rows}


def row_to_struct(row_type: type[R], values: Mapping[str, object]) -> R:
    """A row of the table as its Struct; for `dict`, the row itself."""
    return cast("R", values) if row_type is dict else msgspec.convert(values, row_type, str_keys=True)


def _struct_from_columns(row_type: type[R], jsonb_decoders: Sequence[tuple[int, Decode]], values: TupleRow) -> R:
    """The Struct from the columns in their order; only jsonb columns are decoded."""
    fields = list(values)
    for place, decode in jsonb_decoders:
        if fields[place] is not None:
            fields[place] = decode(fields[place])
    return row_type(*fields)


@cache
def _jsonb_decoders(projection: Projection[Any]) -> tuple[tuple[int, Decode], ...]:
    """The indexes of the jsonb columns, each with its decoder."""
    fields = enumerate(msgspec.structs.fields(projection.row_type))
    return tuple((place, Decoder(field.type).decode) for place, field in fields if _column_type(field.type) == "jsonb")


def write_documents(pipeline: Pipeline, build: Build, changes: Sequence[DocumentChange]) -> None:
    """Insert new documents, update the changed columns of others, delete those that are None."""
    inserted = [new for _, old, new in changes if old is None and new is not None]
    gone = [key for key, _, new in changes if new is None]
    if inserted:
        _send_rows(pipeline, build, _UPSERT, build.projection.row_type.__struct_fields__, inserted)
    for names, some in _changed_columns(changes).items():
        _send_rows(pipeline, build, _UPDATE, ("id", *names), some)
    if gone:
        pipeline.send(_delete_statement(build), array_literal(gone))


def _changed_columns(changes: Iterable[DocumentChange]) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """The ids and the changed values of existing documents, grouped by the columns that changed."""
    found: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for key, old, new in changes:
        if old is not None and new is not None:
            sides = zip(new.__struct_fields__, astuple(new), astuple(old), strict=True)
            values = {name: value for name, value, was in sides if value is not was and value != was}
            found.setdefault(tuple(values), []).append({"id": key, **values})
    return found


def replace_document(connection: Connection[TupleRow], build: Build, key: DocumentKey, row: Any) -> None:
    """Replace one document in statements that need no index."""
    pipeline = Pipeline(connection)
    pipeline.send(_delete_statement(build), array_literal([key]))
    if row is not None:
        _send_rows(pipeline, build, _INSERT, row.__struct_fields__, [row])
    pipeline.sync()


@cache
def _delete_statement(build: Build) -> bytes:
    return SQL("delete from {} where id = any($1)").format(build.table_name).as_bytes()


def copy_documents(connection: Connection[TupleRow], build: Build, rows: Iterable[Any]) -> int:
    """Insert new documents by COPY, outside a pipeline; returns how many."""
    kinds, count = column_types(build.projection), 0
    names = SQL(", ").join(map(Identifier, kinds))
    sql = SQL("copy {} ({}) from stdin (format binary)").format(build.table_name, names)
    cursor = connection.cursor()
    tsvector_adapter.register(cursor)
    with cursor, cursor.copy(sql) as copy:
        copy.set_types(list(kinds.values()))
        for row in rows:
            copy.write_row(astuple(row))
            count += 1
    return count


def _send_rows(pipeline: Pipeline, build: Build, sql: str, names: tuple[str, ...], rows: Sequence[Any]) -> None:
    """Send a statement on rows of these columns: in binary if there is a vector among them, else as JSON."""
    kinds, table = column_types(build.projection), build.table_name.as_string()
    types = tuple(kinds[name] for name in names)
    if "tsvector" in types:
        each = (row.values() if type(row) is dict else astuple(row) for row in rows)
        columns = zip(types, zip(*each, strict=True), strict=True)
        arrays = [_array_of(kind, column) for kind, column in columns]
        pipeline.send(_build_statement(sql, names, table, types), *arrays)
    else:
        pipeline.send(_build_statement(sql, names, table), *_encoded_rows(names, rows))


def _encoded_rows(names: Sequence[str], rows: Sequence[Any]) -> tuple[str, str]:
    """The values that all rows have in common, and the rows without them."""
    if len(rows) == 1:
        return msgspec.json.encode(rows[0]).decode(), "[{}]"
    each = [row.values() if type(row) is dict else astuple(row) for row in rows]
    columns = dict(zip(names, zip(*each, strict=True), strict=True))
    common = {name: column[0] for name, column in columns.items() if column.count(column[0]) == len(column)}
    own = [name for name in names if name not in common]
    rest = zip(*(columns[name] for name in own), strict=True) if own else [()] * len(rows)
    varied = [dict(zip(own, values, strict=True)) for values in rest]
    return msgspec.json.encode(common).decode(), msgspec.json.encode(varied).decode()


def _array_of(kind: str, column: Sequence[Any]) -> str | list[Any]:
    """The values of a column of this type, as a parameter that is cast to an array of it."""
    if kind == "uuid":
        return array_literal(column)
    if kind == "jsonb":
        return [None if value is None else msgspec.json.encode(value).decode() for value in column]
    return list(column)


@cache
def _build_statement(sql: str, names: tuple[str, ...], table: str, array_types: tuple[str, ...] = ()) -> bytes:
    """Format a statement for one table, with its rows as arrays of these types or else as JSON; cached."""
    fields = SQL(", ").join(map(Identifier, names))
    changes = SQL(", ").join(SQL("{0} = excluded.{0}").format(Identifier(name)) for name in names if name != "id")
    arrays = SQL(", ").join(SQL(f"${at}::{kind}[]") for at, kind in enumerate(array_types, 1))
    source = (
        SQL("unnest({})").format(arrays) if array_types else SQL(_JSON_SOURCE).format(fields=fields, table=SQL(table))
    )
    return SQL(sql).format(table=SQL(table), fields=fields, changes=changes, source=source).as_bytes()
