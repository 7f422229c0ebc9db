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

    def with_values(self, parts: EncodedParts, values: Mapping[UUID, V | None]) -> EncodedParts:
        """The map with other values for some keys; without a key for None. Equal maps have equal parts."""
        by_name: dict[str, dict[UUID, V]] = {}
        for key, value in values.items():
            name = _name_of(key)
            if name not in by_name:
                by_name[name] = dict(self._part(parts, name))
            part = by_name[name]
            if value is not None:
                part[key] = value
            else:
                part.pop(key, None)
        changed = {**parts}
        for name, part in by_name.items():
            if part:
                changed[name] = Raw(msgspec.json.encode(dict(sorted(part.items()))))
            else:
                changed.pop(name, None)
        return changed

    def _part(self, parts: EncodedParts, name: str) -> Mapping[UUID, V]:
        encoded = parts.get(name)
        if encoded is None:
            return {}
        part = bytes(encoded)
        return self._decode_cached(part) if len(part) <= _MAX_CACHED_PART_BYTES else self._decode(part)


EDGES = EncodedMap(dict[UUID, tuple[UUID, ...]])
"""The edges of a graph: for each node those that it leads to, in the order in which they were added."""


class ChangedEdges:
    """Edges that change one after the other, and are encoded once."""

    def __init__(self, edges: EncodedParts) -> None:
        self._edges = edges
        self._changed: dict[UUID, dict[UUID, None]] = {}

    def add(self, start: UUID, end: UUID) -> None:
        """Add an edge, after the others of its start."""
        self.remove(start, end)
        self._changed[start][end] = None

    def remove(self, start: UUID, end: UUID) -> None:
        """Remove an edge that may be there."""
        if start not in self._changed:
            self._changed[start] = dict.fromkeys(EDGES.get(self._edges, start) or ())
        self._changed[start].pop(end, None)

    def encoded(self) -> EncodedParts:
        """All edges after the changes."""
        return EDGES.with_values(self._edges, {start: tuple(ends) or None for start, ends in self._changed.items()})


def _name_of(key: UUID) -> str:
    return key.hex[-_PART_CHARACTERS:]
