"""The laws of events: codec, evolve and golden files; each is a check that raises AssertionError."""

from collections.abc import Sequence
from functools import reduce
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

import domain.event as happening
from commands.command import require_found
from domain import codec
from domain.event import Change, Event, State, changes, fold
from domain.task import Task, TaskNumbersTaken
from domain.upcasts import UPCASTS
from tests.examples import EVERY_EVENT
from tests.law import law
from tests.strategies import EVENT_TYPES, STATE_TYPES, change_fields, changing, noun_of, structs

UPCAST_EVENTS: dict[str, Event] = {"TaskNumberTaken": TaskNumbersTaken(1, 1)}
"""The current events that golden files of retired events decode to."""
EXAMPLE_EVENTS: dict[type[Event], Event] = {type(event): event for event in EVERY_EVENT}
FIRST_EVENTS: dict[type[State], Event] = {
    kind: next(event for event in EVERY_EVENT if kind.evolve(None, event)) for kind in STATE_TYPES
}
"""The first event of an example stream, by state type."""
EXAMPLE_STATES: dict[type[State], State] = {
    kind: require_found(kind.evolve(None, event)) for kind, event in FIRST_EVENTS.items()
}
CHANGED_STATES: list[tuple[type[Event], type[State]]] = [
    (event_type, state_type)
    for event_type, state_type in product(EVENT_TYPES.values(), STATE_TYPES)
    if change_fields(event_type) & set(state_type.__struct_fields__)
]
"""Each event type, paired with every state type that has a field it changes."""
GOLDEN = Path(__file__).parent.parent / "golden" / "events"

NEWER_THAN_THE_EVENT = frozenset({"rank"})
"""Fields that a state also has a value for if its first event is older than they are."""


def the_codec_round_trips(event_type: type[Event]) -> None:
    @law(structs(event_type), examples=25)
    def round_trips(event: Event) -> None:
        read = codec.decode(codec.stored_name_of(event), codec.encode(event))
        assert read == event, f"{type(event).__name__} decodes differently in {_differing_fields(read, event)}"

    round_trips()


def evolving_never_raises(event_type: type[Event]) -> None:
    """Starting from no state, an example of every state type, and any state that the event may change."""
    kinds = [kind for kind in STATE_TYPES if noun_of(kind) == noun_of(event_type)]

    @law(structs(event_type), structs(event_type), st.one_of(*map(structs, kinds or STATE_TYPES)), examples=15)
    def evolves(first: Event, second: Event, state: State) -> None:
        for start in (*EXAMPLE_STATES.values(), state):
            for begun in (None, start):
                _assert_evolves(type(start), begun, (first, second))

    evolves()


_later_events = st.lists(st.sampled_from(EVERY_EVENT), max_size=12)


@law(st.sampled_from(STATE_TYPES), _later_events, st.integers(0, 12), examples=200)
def a_fold_can_resume_at_any_version(kind: type[State], later: list[Event], point: int) -> None:
    history = [FIRST_EVENTS[kind], *later]
    state = fold(kind, history[:point])
    for event in history[point:]:
        state = kind.evolve(state, event)
    assert state == fold(kind, history), f"{kind.__name__} resumed at {point} differs"


def changed_fields_are_set(event_type: type[Event], state_type: type[State]) -> None:
    """`apply_changes` sets exactly those that both have; so does `evolve` in a state of the event's module."""

    @law(structs(state_type), structs(event_type), changing(event_type), examples=25)
    def sets(state: State, event: Event, change: Event) -> None:
        for each in (event, change):
            _assert_fields(happening.apply_changes(state, each), _changed_fields(state, each), each)
            if noun_of(type(state)) == noun_of(type(each)):
                _assert_fields(type(state).evolve(state, each), _new_values(state, each), each)

    sets()


def the_first_event_sets_the_state_fields_it_names() -> None:
    """Each field of both the first event and the state has the same value in both."""
    for event_type, state_type in product(EVENT_TYPES.values(), STATE_TYPES):
        if state_type.evolve(None, EXAMPLE_EVENTS[event_type]) is None:
            continue

        @law(st.just(state_type), structs(event_type), examples=10)
        def sets(kind: type[State], event: Event) -> None:
            state = kind.evolve(None, event)
            plain = {name: _after(value) for name, value in msgspec.structs.asdict(event).items()}
            shared = plain.keys() & kind.__struct_fields__
            expected = {name: plain[name] for name in shared if plain[name] or name not in NEWER_THAN_THE_EVENT}
            _assert_fields(state, expected, event)

        sets()


def every_changed_field_exists_in_a_state() -> None:
    """In one of its module, or of the task, which has parts with modules of their own."""
    for kind in EVENT_TYPES.values():
        changed = {kind.changes_part_of} if kind.changes_part_of else change_fields(kind)
        nouns = {noun_of(kind), noun_of(Task)}
        states = [set(state.__struct_fields__) for state in STATE_TYPES if noun_of(state) in nouns]
        assert not changed or any(changed <= fields for fields in states), kind.__name__


def golden_bytes(name: str) -> bytes:
    """An event's bytes as they were first stored."""
    return (GOLDEN / f"{name}.json").read_bytes()


def events_and_golden_files_match() -> None:
    """Compared both ways: a changed stored name is missing on one side and unknown on the other."""
    assert {path.stem for path in GOLDEN.iterdir()} == _stored_names() | UPCASTS.keys()


def golden_files_of_retired_events_are_upcast() -> None:
    for name in UPCASTS:
        try:
            read = codec.decode(name, golden_bytes(name))
        except Exception as error:
            raise AssertionError(f"{name} is no longer read") from error
        assert read == UPCAST_EVENTS[name]


def golden_files_decode_and_encode_unchanged() -> None:
    """`EVERY_EVENT` has the expected values, so a swapped old and new value is detected."""
    for event in EVERY_EVENT:
        stored = golden_bytes(type(event).__name__)
        try:
            read = codec.decode(type(event).__name__, stored)
        except Exception as error:
            raise AssertionError(f"{stored!r} is no longer read") from error
        assert read == event
        written = msgspec.json.decode(codec.encode(event))
        assert codec.encode(_without_newer_fields(written, msgspec.json.decode(stored))) == stored


def _assert_evolves(state_type: type[State], start: State | None, events: Sequence[Event]) -> None:
    try:
        reduce(state_type.evolve, events, start)
    except Exception as error:
        raise AssertionError(f"{state_type.__name__} raises {error!r} on {type(events[0]).__name__}") from error


def _assert_fields(state: State | None, expected: dict[str, object], event: Event) -> None:
    """Assert the values of these fields, unless the event ended the state."""
    for name, value in expected.items() if state else ():
        found = getattr(state, name)
        place = f"{type(event).__name__} leaves {type(state).__name__}.{name}"
        assert found == value, f"{place} at {found!r}, expected {value!r}"


def _changed_fields(state: State, event: Event) -> dict[str, object]:
    """All fields of the state after the event."""
    return msgspec.structs.asdict(state) | _new_values(state, event)


def _new_values(state: State, event: Event) -> dict[str, object]:
    """The fields of the state that the event changed, with their new values."""
    return {name: change.new for name, change in changes(event).items() if name in state.__struct_fields__}


def _after(value: object) -> object:
    return value.new if isinstance(value, Change) else value


def _differing_fields(one: Event, other: Event) -> list[str]:
    return [name for name in other.__struct_fields__ if getattr(one, name, None) != getattr(other, name)]


def _without_newer_fields(written: Any, stored: Any) -> Any:
    """The current encoding, without the fields that were added after the event was stored."""
    if isinstance(written, dict) and isinstance(stored, dict):
        return {name: _without_newer_fields(written.get(name), value) for name, value in stored.items()}
    if isinstance(written, list) and isinstance(stored, list):
        return [_without_newer_fields(*pair) for pair in zip(written, stored, strict=True)]
    return written


def _stored_names() -> set[str]:
    return {name for name, kind in codec.all_event_types().items() if kind.__module__.startswith("domain.")}
