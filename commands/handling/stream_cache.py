"""What is known of streams: the states that deciding starts from, kept by version and proved right by the append."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, Self
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import Event, Recorded, State, fold

MOST = 20_000
"""Streams that are kept; those that nobody asked for the longest go first."""


class Known(Struct, frozen=True):
    """One stream: its version, and its state as each kind that was asked for."""

    version: int = 0
    states: Mapping[type[State], State | None] = {}

    @classmethod
    def of(cls, history: Sequence[Recorded], kinds: Iterable[type[State]]) -> Self:
        """What a history, or the end of one that says all, tells."""
        states = {kind: fold(kind, (recorded.event for recorded in history)) for kind in kinds}
        return cls(history[-1].version, states) if history else cls(states=states)

    def after(self, event: Event) -> Self:
        """The same with one more event."""
        states = {kind: kind.evolve(state, event) for kind, state in self.states.items()}
        return replace(self, version=self.version + 1, states=states)


class Knowledge(Protocol):
    """Where a decision finds what is known."""

    def get(self, stream: UUID, /) -> Known | None:
        """What is known of a stream, if anything."""


class NotLoaded(Exception):
    """The decision needs a stream that has not been read yet: read it and decide again."""

    def __init__(self, stream: UUID, kind: type[State]) -> None:
        super().__init__(stream)
        self.stream = stream
        self.kind = kind


class Memory:
    """All that this process knows. It may be behind the log: whatever is decided on it, the append checks."""

    def __init__(self, most: int = MOST) -> None:
        self._streams: OrderedDict[UUID, Known] = OrderedDict()
        self._most = most

    def get(self, stream: UUID) -> Known | None:
        """What is known of a stream, if anything."""
        found = self._streams.get(stream)
        if found is not None:
            self._streams.move_to_end(stream)
        return found

    def learn(self, stream: UUID, known: Known) -> None:
        """Take what was read or written, unless something later is known."""
        present = self._streams.get(stream)
        if present is not None:
            if present.version > known.version:
                return
            if present.version == known.version:
                known = replace(known, states={**present.states, **known.states})
        self._streams[stream] = known
        self._streams.move_to_end(stream)
        if len(self._streams) > self._most:
            self._streams.popitem(last=False)

    def forget(self, streams: Iterable[UUID]) -> None:
        """What turned out to be old."""
        for stream in streams:
            self._streams.pop(stream, None)


class Ahead(Struct, frozen=True):
    """What will be known if all that was decided so far is written, in front of what is known now."""

    decided: Mapping[UUID, Known]
    before: Knowledge

    def get(self, stream: UUID) -> Known | None:
        """What is known of a stream, if anything."""
        return self.decided.get(stream) or self.before.get(stream)
