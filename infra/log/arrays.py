"""Columns: arrays that say of what type they are, so that the driver need not look at every value to find out."""

from collections.abc import Callable
from struct import Struct
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

T = TypeVar("T")

_HEAD = Struct("!5i").pack
_NULL = b"\xff\xff\xff\xff"
_INT = Struct("!ii").pack
_BIGINT = Struct("!iq").pack
_LENGTH = Struct("!i").pack
_SIXTEEN = _LENGTH(16)


class Column(list[T]):
    """Values of one type, or nulls."""


class Ints(Column[int]):
    """An int[]."""


class Bigints(Column[int | None]):
    """A bigint[]."""


class Uuids(Column[UUID | None]):
    """A uuid[]."""


class Texts(Column[str | None]):
    """A text[]."""


class Byteas(Column[bytes | None]):
    """A bytea[]."""


class _Dumper(Dumper):
    """One dimension in the binary format: a head, then the length and the bytes of each value."""

    format = Format.BINARY
    element: ClassVar[int]
    value: "ClassVar[staticmethod[[Any], bytes]]"

    def dump(self, obj: Column[Any]) -> bytes:
        value = self.value
        values = [_NULL if one is None else value(one) for one in obj]
        return b"".join((_HEAD(1, 0, self.element, len(values), 1), *values))


def _register(column: type[Column[Any]], name: str, value: Callable[[Any], bytes]) -> None:
    known = psycopg.adapters.types[name]
    fields = {"oid": known.array_oid, "element": known.oid, "value": staticmethod(value)}
    psycopg.adapters.register_dumper(column, type(f"{column.__name__}Dumper", (_Dumper,), fields))


def _sized(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


_register(Ints, "int4", lambda number: _INT(4, number))
_register(Bigints, "int8", lambda number: _BIGINT(8, number))
_register(Uuids, "uuid", lambda uuid: _SIXTEEN + uuid.bytes)
_register(Texts, "text", lambda text: _sized(text.encode()))
_register(Byteas, "bytea", _sized)
