"""What is known of streams: the states that deciding starts from, kept by version and proved right by the append."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, Self
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import Event, RecordedEvent, State, fold

MAX_STREAMS = 20_000
"""Streams that are kept; those that nobody asked for the longest go first."""


class StreamState(Struct, frozen=True):
    """One stream: its version, and its state as each kind that was asked for."""

    version: int = 0
    states: Mapping[type[State], State | None] = {}

    @classmethod
    def from_history(cls, history: Sequence[RecordedEvent], state_types: Iterable[type[State]]) -> Self:
        """What a history, or the end of one that says all, tells."""
        states = {kind: fold(kind, (recorded.event for recorded in history)) for kind in state_types}
        return cls(history[-1].version, states) if history else cls(states=states)

    def with_event(self, event: Event) -> Self:
        """The same with one more event."""
        states = {kind: kind.evolve(state, event) for kind, state in self.states.items()}
        return replace(self, version=self.version + 1, states=states)


class StreamStateSource(Protocol):
    """Where a decision finds what is known."""

    def get(self, stream: UUID, /) -> StreamState | None:
        """What is known of a stream, if anything."""


class NotLoaded(Exception):
    """The decision needs a stream that has not been read yet: read it and decide again."""

    def __init__(self, stream: UUID, state_type: type[State]) -> None:
        super().__init__(stream)
        self.stream = stream
        self.state_type = state_type


class StreamCache:
    """All that this process knows. It may be behind the log: whatever is decided on it, the append checks."""

    def __init__(self, max_streams: int = MAX_STREAMS) -> None:
        self._streams: OrderedDict[UUID, StreamState] = OrderedDict()
        self._max_streams = max_streams

    def get(self, stream: UUID) -> StreamState | None:
        """What is known of a stream, if anything."""
        found = self._streams.get(stream)
        if found is not None:
            self._streams.move_to_end(stream)
        return found

    def set_unless_older(self, stream: UUID, state: StreamState) -> None:
        """Take what was read or written, unless something later is known."""
        cached = self._streams.get(stream)
        if cached is not None:
            if cached.version > state.version:
                return
            if cached.version == state.version:
                state = replace(state, states={**cached.states, **state.states})
        self._streams[stream] = state
        self._streams.move_to_end(stream)
        if len(self._streams) > self._max_streams:
            self._streams.popitem(last=False)

    def invalidate(self, streams: Iterable[UUID]) -> None:
        """What turned out to be old."""
        for stream in streams:
            self._streams.pop(stream, None)


class Overlay(Struct, frozen=True):
    """What will be known if all that was decided so far is written, in front of what is known now."""

    pending: Mapping[UUID, StreamState]
    underlying: StreamStateSource

    def get(self, stream: UUID) -> StreamState | None:
        """What is known of a stream, if anything."""
        return self.pending.get(stream) or self.underlying.get(stream)
