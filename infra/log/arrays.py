"""Typed arrays: lists that name their PostgreSQL type, so that the driver need not inspect every value."""

from collections.abc import Callable
from struct import Struct
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

T = TypeVar("T")

_ARRAY_HEADER = Struct("!5i").pack
_NULL = b"\xff\xff\xff\xff"
_INT = Struct("!ii").pack
_BIGINT = Struct("!iq").pack
_LENGTH = Struct("!i").pack
_UUID_LENGTH_PREFIX = _LENGTH(16)


class TypedArray(list[T]):
    """Values of one type, or nulls."""


class IntArray(TypedArray[int]):
    """An int[]."""


class BigintArray(TypedArray[int | None]):
    """A bigint[]."""


class UuidArray(TypedArray[UUID | None]):
    """A uuid[]."""


class TextArray(TypedArray[str | None]):
    """A text[]."""


class ByteaArray(TypedArray[bytes | None]):
    """A bytea[]."""


class _ArrayDumper(Dumper):
    """Dumps one dimension in the binary format: a header, then the length and the bytes of each value."""

    format = Format.BINARY
    element: ClassVar[int]
    value: "ClassVar[staticmethod[[Any], bytes]]"

    def dump(self, obj: TypedArray[Any]) -> bytes:
        value = self.value
        values = [_NULL if one is None else value(one) for one in obj]
        return b"".join((_ARRAY_HEADER(1, 0, self.element, len(values), 1), *values))


def _register(array_type: type[TypedArray[Any]], type_name: str, encode: Callable[[Any], bytes]) -> None:
    type_info = psycopg.adapters.types[type_name]
    fields = {"oid": type_info.array_oid, "element": type_info.oid, "value": staticmethod(encode)}
    psycopg.adapters.register_dumper(array_type, type(f"{array_type.__name__}Dumper", (_ArrayDumper,), fields))


def _with_length(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


_register(IntArray, "int4", lambda number: _INT(4, number))
_register(BigintArray, "int8", lambda number: _BIGINT(8, number))
_register(UuidArray, "uuid", lambda uuid: _UUID_LENGTH_PREFIX + uuid.bytes)
_register(TextArray, "text", lambda text: _with_length(text.encode()))
_register(ByteaArray, "bytea", _with_length)
