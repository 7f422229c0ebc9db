"""The in-process cache: immutable values, invalidated when one of their topics changes.

One thread writes and reads, so there is no lock. An invalidated value stays, as a stale one while PostgreSQL is away.
"""

from collections import OrderedDict
from collections.abc import Collection, Hashable
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")
MAX_ENTRY_DIVISOR = 8
"""A value larger than this fraction of the cache is not cached: it would evict too many others."""


class _Entry(Struct, Generic[T], frozen=True):
    value: T
    size: int


class Invalidation:
    """Whether any of these topics changed while a value was read."""

    def __init__(self, topics: Collection[Hashable]) -> None:
        self.topics = topics
        self.is_invalidated = False


class MemoryCache(Generic[T]):
    """Values by key, bounded by their bytes; the least recently used is evicted first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries = OrderedDict[Hashable, _Entry[T]]()
        self._fresh = dict[Hashable, T]()
        self._topics_by_key = dict[Hashable, Collection[Hashable]]()
        self._keys_by_topic = dict[Hashable, set[Hashable]]()
        self._invalidations_by_topic = dict[Hashable, set[Invalidation]]()
        self.size_bytes = self.evictions = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get_fresh(self, key: Hashable) -> T | None:
        """The value, unless it was invalidated since it was read."""
        value = self._fresh.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def get_stale(self, key: Hashable) -> T | None:
        """The value as it was read, however long ago."""
        entry = self._entries.get(key)
        return entry.value if entry else None

    def watch(self, topics: Collection[Hashable]) -> Invalidation:
        """Record from now on whether any of the topics changes."""
        invalidation = Invalidation(topics)
        for topic in topics:
            self._invalidations_by_topic.setdefault(topic, set()).add(invalidation)
        return invalidation

    def unwatch(self, invalidation: Invalidation) -> None:
        """Stop recording."""
        for topic in invalidation.topics:
            others = self._invalidations_by_topic[topic]
            others.discard(invalidation)
            if not others:
                del self._invalidations_by_topic[topic]

    def set(self, key: Hashable, value: T, size: int, invalidation: Invalidation) -> None:
        """Cache a value that was read while its topics were watched; as stale, if one of them changed since."""
        if size > self._max_bytes // MAX_ENTRY_DIVISOR:
            return
        self._remove(key)
        self._entries[key] = _Entry(value, size)
        self.size_bytes += size
        if not invalidation.is_invalidated:
            self._fresh[key] = value
            self._topics_by_key[key] = invalidation.topics
            for topic in invalidation.topics:
                self._keys_by_topic.setdefault(topic, set()).add(key)
        while self.size_bytes > self._max_bytes:
            self._remove(next(iter(self._entries)))
            self.evictions += 1

    def invalidate(self, topic: Hashable) -> None:
        """The topic has changed, or may have."""
        for invalidation in self._invalidations_by_topic.get(topic, ()):
            invalidation.is_invalidated = True
        for key in list(self._keys_by_topic.get(topic, ())):
            self._mark_stale(key)

    def invalidate_all(self) -> None:
        """Every topic may have changed."""
        for invalidations in self._invalidations_by_topic.values():
            for invalidation in invalidations:
                invalidation.is_invalidated = True
        self._fresh.clear()
        self._topics_by_key.clear()
        self._keys_by_topic.clear()

    def _remove(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry:
            self.size_bytes -= entry.size
            self._mark_stale(key)

    def _mark_stale(self, key: Hashable) -> None:
        self._fresh.pop(key, None)
        for topic in self._topics_by_key.pop(key, ()):
            keys = self._keys_by_topic[topic]
            keys.discard(key)
            if not keys:
                del self._keys_by_topic[topic]
