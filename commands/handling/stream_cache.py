"""The stream cache: states by stream and version that decisions start from; the append checks the versions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, Self
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import Event, RecordedEvent, State, fold

MAX_STREAMS = 20_000
"""Streams in the cache."""


class StreamState(Struct, frozen=True):
    """One stream: its version, and its state as each type that was needed."""

    version: int = 0
    states: Mapping[type[State], State | None] = {}

    @classmethod
    def from_history(cls, history: Sequence[RecordedEvent], state_types: Iterable[type[State]]) -> Self:
        """From a history, or from an end of one that determines the state."""
        states = {kind: fold(kind, (recorded.event for recorded in history)) for kind in state_types}
        return cls(history[-1].version, states) if history else cls(states=states)

    def with_event(self, event: Event) -> Self:
        """The same with one more event."""
        states = {kind: kind.evolve(state, event) for kind, state in self.states.items()}
        return replace(self, version=self.version + 1, states=states)


class StreamStateSource(Protocol):
    """Where a decision looks up states."""

    def get(self, stream: UUID, /) -> StreamState | None:
        """The state of a stream, if it is there."""


class NotLoaded(Exception):
    """The decision needs streams that have not been read yet: read them and decide again."""

    def __init__(self, state_type: type[State], *streams: UUID) -> None:
        super().__init__(*streams)
        self.state_type = state_type
        self.streams = streams


class StreamCache:
    """The cached streams of this process. They may be behind the log: the append checks every version.

    Streams that were used since half of the cache was filled are young. When the young ones fill it again, the old ones
    that were not used meanwhile are dropped: nearly the least recently used, for one look-up each time.
    """

    def __init__(self, max_streams: int = MAX_STREAMS) -> None:
        self._young: dict[UUID, StreamState] = {}
        self._old: dict[UUID, StreamState] = {}
        self._max_streams = max_streams

    def get(self, stream: UUID) -> StreamState | None:
        """The state of a stream, if it is there."""
        found = self._young.get(stream)
        if found is None:
            found = self._old.pop(stream, None)
            if found is not None:
                self._add(stream, found)
        return found

    def set_unless_older(self, stream: UUID, state: StreamState) -> None:
        """Cache a state, unless a later version is cached."""
        cached = self.get(stream)
        if cached is not None:
            if cached.version > state.version:
                return
            if cached.version == state.version:
                state = replace(state, states={**cached.states, **state.states})
        self._add(stream, state)

    def invalidate(self, streams: Iterable[UUID]) -> None:
        """Drop stale streams."""
        for stream in streams:
            self._young.pop(stream, None)
            self._old.pop(stream, None)

    def _add(self, stream: UUID, state: StreamState) -> None:
        self._young[stream] = state
        if len(self._young) > self._max_streams // 2:
            self._young, self._old = {}, self._young


class Overlay(Struct, frozen=True):
    """The states after all decisions so far, in front of the cached ones."""

    pending: Mapping[UUID, StreamState]
    underlying: StreamStateSource

    def get(self, stream: UUID) -> StreamState | None:
        """The state of a stream, if it is there."""
        return self.pending.get(stream) or self.underlying.get(stream)
