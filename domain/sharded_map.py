"""Sharded maps: immutable maps in two levels, so that a change copies one shard and not the whole map."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_SHARD_CHARACTERS = 2
"""The last characters of a key name its shard: with the hexadecimal digits of a UUID there are 256."""


def get(shards: Mapping[str, Mapping[K, V]], key: K) -> V | None:
    """The value of a key; None if it has none."""
    return shards.get(_shard_of(key), {}).get(key)


def with_value(shards: Mapping[str, Mapping[K, V]], key: K, value: V | None) -> dict[str, Mapping[K, V]]:
    """The map with another value for a key; without the key for None."""
    name = _shard_of(key)
    shard = {each: of for each, of in shards.get(name, {}).items() if each != key}
    if value is not None:
        shard[key] = value
    return {**{each: of for each, of in shards.items() if each != name}, **({name: shard} if shard else {})}


def _shard_of(key: Hashable) -> str:
    return str(key)[-_SHARD_CHARACTERS:]
