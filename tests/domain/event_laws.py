"""The laws of the domain: each a function that fails where its law does not hold."""

from functools import reduce
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

import domain.event as happening
from domain import codec
from domain.event import Change, Event, State, fold
from domain.task import TaskNumbersTaken
from domain.upcasts import UPCASTS
from tests.examples import EVERY_EVENT
from tests.law import law
from tests.strategies import EVENT_TYPES, STATE_TYPES, histories, one_event_of_each_type, one_state_of_each_type

UPCAST_EVENTS: dict[str, Event] = {"TaskNumberTaken": TaskNumbersTaken(1, 1)}
"""What the golden files of events that are no longer written mean."""
GOLDEN = Path(__file__).parent.parent / "golden" / "events"


@law(one_event_of_each_type, examples=25)
def the_codec_round_trips(events: tuple[Event, ...]) -> None:
    for event in events:
        assert codec.decode(codec.stored_name_of(event), codec.encode(event)) == event


@law(one_state_of_each_type, histories, examples=40)
def evolving_never_raises(states: tuple[State, ...], history: list[Event]) -> None:
    for state in states:
        for begun in (None, state):
            try:
                reduce(type(state).evolve, history, begun)
            except Exception as error:
                raise AssertionError(f"{type(state).__name__} of {history}") from error


@law(st.sampled_from(STATE_TYPES), histories, st.integers(0, len(EVENT_TYPES)), examples=40)
def a_fold_can_resume_at_any_version(kind: type[State], history: list[Event], point: int) -> None:
    state = fold(kind, history[:point])
    for event in history[point:]:
        state = kind.evolve(state, event)
    assert state == fold(kind, history)


@law(one_state_of_each_type, one_event_of_each_type, examples=40)
def exactly_the_changed_fields_are_set(states: tuple[State, ...], events: tuple[Event, ...]) -> None:
    for state, event in product(states, events):
        expected = msgspec.structs.asdict(state)
        for name, value in msgspec.structs.asdict(event).items():
            if name in expected and isinstance(value, Change) and value.old != value.new:
                expected[name] = value.new
        assert msgspec.structs.asdict(happening.apply_changes(state, event)) == expected


@law(one_event_of_each_type, examples=25)
def the_first_event_sets_the_state_fields_it_names(events: tuple[Event, ...]) -> None:
    """What the first event and the state both name is the same in both."""
    for kind, event in product(STATE_TYPES, events):
        state = kind.evolve(None, event)
        for name in set(event.__struct_fields__) & set(state.__struct_fields__ if state else ()):
            told = getattr(event, name)
            assert getattr(state, name) == (told.new if isinstance(told, Change) else told)


def every_changed_field_exists_in_a_state_of_its_module() -> None:
    for kind in EVENT_TYPES.values():
        changed = {field.name for field in msgspec.structs.fields(kind) if "Change[" in str(field.type)}
        beside = [set(state.__struct_fields__) for state in STATE_TYPES if state.__module__ == kind.__module__]
        assert not changed or any(changed <= fields for fields in beside), kind.__name__


def golden_bytes(name: str) -> bytes:
    """An event as it was stored when it was first written."""
    return (GOLDEN / f"{name}.json").read_bytes()


def events_and_golden_files_match() -> None:
    """Both ways: a stored name that changed is missing here and unknown there."""
    assert {path.stem for path in GOLDEN.iterdir()} == _stored_names() | UPCASTS.keys()


def golden_files_of_retired_events_are_upcast() -> None:
    for name in UPCASTS:
        try:
            read = codec.decode(name, golden_bytes(name))
        except Exception as error:
            raise AssertionError(f"{name} is no longer read") from error
        assert read == UPCAST_EVENTS[name]


def golden_files_decode_and_encode_unchanged() -> None:
    """`EVERY_EVENT` says what the bytes mean, so that a pair read the wrong way round is seen."""
    for event in EVERY_EVENT:
        stored = golden_bytes(type(event).__name__)
        try:
            read = codec.decode(type(event).__name__, stored)
        except Exception as error:
            raise AssertionError(f"{stored!r} is no longer read") from error
        assert read == event
        written = msgspec.json.decode(codec.encode(event))
        assert codec.encode(_without_newer_fields(written, msgspec.json.decode(stored))) == stored


def _without_newer_fields(written: Any, stored: Any) -> Any:
    """What is written today, without the fields that there were not yet when it was stored."""
    if isinstance(written, dict) and isinstance(stored, dict):
        return {name: _without_newer_fields(written.get(name), value) for name, value in stored.items()}
    if isinstance(written, list) and isinstance(stored, list):
        return [_without_newer_fields(*pair) for pair in zip(written, stored, strict=True)]
    return written


def _stored_names() -> set[str]:
    return {name for name, kind in codec.all_event_types().items() if kind.__module__.startswith("domain.")}
