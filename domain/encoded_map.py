"""Encoded maps: immutable maps in many small parts that stay encoded until a key of one is asked for.

A state with a hundred thousand entries is so read from its snapshot in milliseconds, and a change copies one part.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Generic, TypeAlias, TypeVar
from uuid import UUID

import msgspec
from msgspec import Raw

V = TypeVar("V")
EncodedParts: TypeAlias = Mapping[str, Raw]
"""Each part in JSON, by its name."""
_PART_CHARACTERS = 3
"""The last hexadecimal digits of a key name its part: there are 4,096."""
_MAX_CACHED_PARTS, _MAX_CACHED_PART_BYTES = 4_096, 16_384


class EncodedMap(Generic[V]):
    """How parts with one type of values, by UUID, are read and changed."""

    def __init__(self, part_type: type[dict[UUID, V]]) -> None:
        self._decode: Callable[[bytes], dict[UUID, V]] = msgspec.json.Decoder(part_type).decode
        self._decode_cached = lru_cache(_MAX_CACHED_PARTS)(self._decode)

    def get(self, parts: EncodedParts, key: UUID) -> V | None:
        """The value of a key; None if it has none."""
        return self._part(parts, _name_of(key)).get(key)

    def with_value(self, parts: EncodedParts, key: UUID, value: V | None) -> EncodedParts:
        """The map with another value for a key; without the key for None."""
        name = _name_of(key)
        part, changed = {**self._part(parts, name)}, {**parts}
        if value is not None:
            part[key] = value
        else:
            part.pop(key, None)
        if part:
            changed[name] = Raw(msgspec.json.encode(part))
        else:
            changed.pop(name, None)
        return changed

    def _part(self, parts: EncodedParts, name: str) -> Mapping[UUID, V]:
        encoded = parts.get(name)
        if encoded is None:
            return {}
        part = bytes(encoded)
        return self._decode_cached(part) if len(part) <= _MAX_CACHED_PART_BYTES else self._decode(part)


def _name_of(key: UUID) -> str:
    return key.hex[-_PART_CHARACTERS:]
