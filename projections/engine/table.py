"""The table of a build: its columns, and reading and writing documents."""

import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any, TypeAlias, TypeVar, cast, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec.json import Decoder
from msgspec.structs import astuple
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier, Literal

from projections.engine import past, tsvector_adapter
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
Decode: TypeAlias = Callable[[bytes], Any]
_MAX_SHORT_BYTES, _MAX_KNOWN_VALUES, _UNKNOWN = 16, 100, object()

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
    if get_origin(annotation) is typing.Literal:
        return "text"
    kept = [each for each in get_args(annotation) if each is not type(None)]
    return (
        _column_type(kept[0])
        if len(kept) == 1 and type(None) in get_args(annotation)
        else _POSTGRES_TYPES.get(annotation, "jsonb")
    )


def stored_columns(projection: Projection[Any]) -> Mapping[str, str]:
    """The columns that are written: those of the document, and since when it is valid, if the past is kept."""
    return {**column_types(projection), **(past.SINCE if projection.past else {})}


def create_table_sql(build: Build) -> Composed:
    """The statements that create the table, and that of the past, without indexes: they follow once it is filled.

    The table of the past has the same columns in the same order, then those that say until when.
    """
    columns = [*stored_columns(build.projection).items(), *build.projection.generated_columns]
    now = _create_table_sql(build.table_name, columns, fillfactor=80)
    ended = _create_table_sql(build.past_table_name, [*columns, *past.UNTIL.items()], fillfactor=100)
    return SQL("; ").join([now, *([ended] if build.projection.past else ())])


def _create_table_sql(name: Identifier, columns: Iterable[tuple[str, str]], fillfactor: int) -> Composed:
    each = [
        SQL("{} {}{}").format(Identifier(column), SQL(kind), SQL(" not null" if column == "id" else ""))
        for column, kind in columns
    ]
    return SQL("create table {} ({}) with (fillfactor = {})").format(name, SQL(", ").join(each), Literal(fillfactor))


def create_index_sql(build: Build) -> list[Composed]:
    """The statements that create the indexes of a filled table, at the same time if need be.

    The unique index of `id` is no primary key: adding one would lock the table, and the other statements would wait.
    """
    more = [SQL("create index on {} " + index).format(build.table_name) for index in build.projection.indexes]
    name = Identifier(f"{build.projection.name}_{build.number}_pkey")
    unique = SQL("create unique index {} on {} (id)").format(name, build.table_name)
    return [unique, *more, *past.create_index_sql(build)]


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
    return tuple((place, _decoder(field.type)) for place, field in fields if _column_type(field.type) == "jsonb")


def _decoder(annotation: Any) -> Decode:
    """A decoder that decodes a short value once: most are empty, and documents never change theirs."""
    decode, known = Decoder(annotation).decode, dict[bytes, Any]()

    def decode_once(encoded: bytes) -> Any:
        found = known.get(encoded, _UNKNOWN)
        if found is _UNKNOWN:
            found = decode(encoded)
            if len(encoded) <= _MAX_SHORT_BYTES and len(known) < _MAX_KNOWN_VALUES:
                known[encoded] = found
        return found

    return decode_once


def write_documents(pipeline: Pipeline, build: Build, changes: Sequence[DocumentChange], insert: str = _UPSERT) -> None:
    """Insert new documents, update the changed columns of others, delete those that are None; keep the past."""
    past.close_versions(pipeline, build, changes)
    columns = stored_columns(build.projection)
    inserted = [stored_values(change) for change in changes if change.before is None and change.after is not None]
    gone = [change.key for change in changes if change.after is None]
    if inserted:
        _send_rows(pipeline, build.table_name, insert, columns, inserted)
    for names, rows in _changed_values(changes).items():
        _send_rows(pipeline, build.table_name, _UPDATE, {name: columns[name] for name in ("id", *names)}, rows)
    if gone:
        pipeline.send(_delete_statement(build), array_literal(gone))
    if rows := list(past.past_rows(build.projection, changes)):
        _send_rows(pipeline, build.past_table_name, _INSERT, {**columns, **past.UNTIL}, rows)


def stored_values(change: DocumentChange) -> tuple[Any, ...]:
    """The values of the columns of a document after a change."""
    return (*astuple(change.after), *(past.since(change.steps[-1].event) if change.steps else ()))


def _changed_values(changes: Iterable[DocumentChange]) -> dict[tuple[str, ...], list[tuple[Any, ...]]]:
    """The ids and the changed values of existing documents, grouped by the columns that changed."""
    found: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for key, old, new, steps in changes:
        if old is not None and new is not None:
            sides = zip(new.__struct_fields__, astuple(new), astuple(old), strict=True)
            values = {name: value for name, value, was in sides if value is not was and value != was}
            names = (*values, *past.SINCE) if steps else tuple(values)
            began = past.since(steps[-1].event) if steps else ()
            found.setdefault(names, []).append((key, *values.values(), *began))
    return found


def replace_document(connection: Connection[TupleRow], build: Build, change: DocumentChange) -> None:
    """Write one document as `write_documents` does, in statements that need no index."""
    pipeline = Pipeline(connection)
    if change.before is None:
        pipeline.send(_delete_statement(build), array_literal([change.key]))
    write_documents(pipeline, build, [change], insert=_INSERT)
    pipeline.sync()


def delete_document(connection: Connection[TupleRow], build: Build, key: DocumentKey) -> None:
    """Delete one document with its past."""
    pipeline = Pipeline(connection)
    pipeline.send(_delete_statement(build), array_literal([key]))
    past.delete_versions(pipeline, build, [key])
    pipeline.sync()


@cache
def _delete_statement(build: Build) -> bytes:
    return SQL("delete from {} where id = any($1)").format(build.table_name).as_bytes()


def copy_documents(connection: Connection[TupleRow], build: Build, changes: Iterable[DocumentChange]) -> int:
    """Insert new documents and their past by COPY, outside a pipeline; returns how many documents."""
    ended = list[tuple[Any, ...]]()
    columns = stored_columns(build.projection)

    def rows() -> Iterator[tuple[Any, ...]]:
        for change in changes:
            ended.extend(past.past_rows(build.projection, [change]))
            if change.after is not None:
                yield stored_values(change)

    count = _copy(connection, build.table_name, columns, rows())
    _copy(connection, build.past_table_name, {**columns, **past.UNTIL}, ended)
    return count


def _copy(
    connection: Connection[TupleRow], table: Identifier, columns: Mapping[str, str], rows: Iterable[tuple[Any, ...]]
) -> int:
    """Insert rows by COPY, if there are any; returns how many."""
    rows, count = iter(rows), 0
    if (first := next(rows, None)) is None:
        return 0
    sql = SQL("copy {} ({}) from stdin (format binary)").format(table, SQL(", ").join(map(Identifier, columns)))
    cursor = connection.cursor()
    tsvector_adapter.register(cursor)
    with cursor, cursor.copy(sql) as copy:
        copy.set_types(list(columns.values()))
        for row in chain([first], rows):
            copy.write_row(row)
            count += 1
    return count


def _send_rows(
    pipeline: Pipeline, table: Identifier, sql: str, columns: Mapping[str, str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Send a statement on rows of these columns: in binary if there is a vector among them, else as JSON."""
    names, types = tuple(columns), tuple(columns.values())
    if "tsvector" in types:
        arrays = [_array_of(kind, column) for kind, column in zip(types, zip(*rows, strict=True), strict=True)]
        pipeline.send(_build_statement(sql, names, table.as_string(), types), *arrays)
    else:
        pipeline.send(_build_statement(sql, names, table.as_string()), *_encoded_rows(names, rows))


def _encoded_rows(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> tuple[str, str]:
    """The values that all rows have in common, and the rows without them."""
    if len(rows) == 1:
        return msgspec.json.encode(dict(zip(names, rows[0], strict=True))).decode(), "[{}]"
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
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
