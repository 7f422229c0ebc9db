"""The states that a decision reads, each guarded by its version, with the events that it has led to so far."""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar, cast
from uuid import UUID

from commands.handling.stream_cache import NotLoaded, StreamState, StreamStateSource
from domain.event import Event, State

S = TypeVar("S", bound=State)


class GuardedStates:
    """States of streams after the new events.

    `read_versions` has the version of every stream that was read. The append asserts them all, so a rule cannot look
    at a state without guarding it.
    """

    def __init__(self, states: StreamStateSource) -> None:
        self.read_versions: dict[UUID, int] = {}
        self.new_events: list[tuple[UUID, Event]] = []
        self.stream_states: dict[UUID, StreamState] = {}
        self._states = states

    def __call__(self, state_type: type[S], stream: UUID) -> S | None:
        states = self._read_and_guard(stream, state_type).states
        if state_type not in states:
            raise NotLoaded(state_type, stream)
        return cast("S | None", states[state_type])

    def load_all(self, state_type: type[S], streams: Sequence[UUID]) -> list[S | None]:
        """The current state of each stream; those that are not loaded yet are read together."""
        missing = [each for each in streams if state_type not in self._known_states(each)]
        if missing:
            raise NotLoaded(state_type, *missing)
        return [self(state_type, each) for each in streams]

    def version(self, stream: UUID) -> int:
        """The version of a stream that was read, with the new events so far; 0 if it has none."""
        return self.stream_states[stream].version

    def seen_version(self, stream: UUID) -> int:
        """The version of a stream without the new events; 0 if it has none, or was not read."""
        return self.read_versions.get(stream, 0)

    def add_event(self, stream: UUID, event: Event) -> None:
        """Add a new event, which changes the state of its stream."""
        self.stream_states[stream] = self._read_and_guard(stream, State).with_event(event)
        self.new_events.append((stream, event))

    def restore_states(self, states: Mapping[UUID, StreamState], event_count: int) -> None:
        """Take back the events after the first `event_count`; `states` are those of that moment.

        What was read since then stays read.
        """
        for stream, _ in self.new_events[event_count:]:
            self.stream_states[stream] = states.get(stream) or self._states.get(stream) or StreamState()
        del self.new_events[event_count:]

    def read_as_new(self, stream: UUID, state_type: type[State]) -> bool:
        """Take a stream that is not cached for one without events, which the append asserts; whether it did."""
        if stream in self.stream_states or self._states.get(stream) is not None:
            return False
        self.read_versions[stream] = 0
        self.stream_states[stream] = StreamState(states={state_type: None})
        return True

    def _known_states(self, stream: UUID) -> Collection[type[State]]:
        known = self.stream_states.get(stream) or self._states.get(stream)
        return known.states if known else ()

    def _read_and_guard(self, stream: UUID, state_type: type[State]) -> StreamState:
        """The stream with the new events so far; from now on the append asserts it."""
        known = self.stream_states.get(stream)
        if known is None:
            known = self._states.get(stream)
            if known is None:
                raise NotLoaded(state_type, stream)
            self.read_versions[stream], self.stream_states[stream] = known.version, known
        return known
