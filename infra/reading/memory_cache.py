"""Hot: what this process keeps in memory of what it has read, each an immutable value, doubted when a topic changes.

One thread writes and reads: there is no lock. What is doubted is still there for whoever can ask nobody better.
"""

from collections import OrderedDict
from collections.abc import Collection, Hashable
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")
LARGEST = 8
"""Nothing is kept that is larger than all together divided by this: it would push out too much else."""


class _Kept(Struct, Generic[T], frozen=True):
    value: T
    size: int


class Watch:
    """Whether any of the topics of something changed while it was read."""

    def __init__(self, topics: Collection[Hashable]) -> None:
        self.topics = topics
        self.is_spoilt = False


class Hot(Generic[T]):
    """Values by key, as many as fit into so many bytes; the one that nobody asked for the longest goes first."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept = OrderedDict[Hashable, _Kept[T]]()
        self._sure = dict[Hashable, T]()
        self._topics = dict[Hashable, Collection[Hashable]]()
        self._about = dict[Hashable, set[Hashable]]()
        self._watches = dict[Hashable, set[Watch]]()
        self.bytes = self.evicted = 0

    def __len__(self) -> int:
        return len(self._kept)

    def sure(self, key: Hashable) -> T | None:
        """The value, if nothing has cast doubt on it since it was read."""
        value = self._sure.get(key)
        if value is not None:
            self._kept.move_to_end(key)
        return value

    def last(self, key: Hashable) -> T | None:
        """The value as it was when it was read, however long ago."""
        kept = self._kept.get(key)
        return kept.value if kept else None

    def watch(self, topics: Collection[Hashable]) -> Watch:
        """Notice from now on whether any of the topics changes."""
        watch = Watch(topics)
        for topic in topics:
            self._watches.setdefault(topic, set()).add(watch)
        return watch

    def unwatch(self, watch: Watch) -> None:
        """Nobody wants to know it any more."""
        for topic in watch.topics:
            others = self._watches[topic]
            others.discard(watch)
            if not others:
                del self._watches[topic]

    def keep(self, key: Hashable, value: T, size: int, watch: Watch) -> None:
        """Keep what was read under a watch on its topics; without trust in it where one of them changed since."""
        if size > self._most // LARGEST:
            return
        self._forget(key)
        self._kept[key] = _Kept(value, size)
        self.bytes += size
        if not watch.is_spoilt:
            self._sure[key] = value
            self._topics[key] = watch.topics
            for topic in watch.topics:
                self._about.setdefault(topic, set()).add(key)
        while self.bytes > self._most:
            self._forget(next(iter(self._kept)))
            self.evicted += 1

    def doubt(self, topic: Hashable) -> None:
        """It has changed, or may have."""
        for watch in self._watches.get(topic, ()):
            watch.is_spoilt = True
        for key in list(self._about.get(topic, ())):
            self._unsure(key)

    def doubt_all(self) -> None:
        """Anything may have changed."""
        for watches in self._watches.values():
            for watch in watches:
                watch.is_spoilt = True
        self._sure.clear()
        self._topics.clear()
        self._about.clear()

    def _forget(self, key: Hashable) -> None:
        kept = self._kept.pop(key, None)
        if kept:
            self.bytes -= kept.size
            self._unsure(key)

    def _unsure(self, key: Hashable) -> None:
        self._sure.pop(key, None)
        for topic in self._topics.pop(key, ()):
            about = self._about[topic]
            about.discard(key)
            if not about:
                del self._about[topic]
