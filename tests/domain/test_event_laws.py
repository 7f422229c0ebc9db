"""The laws of events hold."""

import pytest

from domain.event import Event, State
from tests.domain import event_laws
from tests.domain.event_laws import CHANGED_STATES
from tests.strategies import EVENT_TYPES


@pytest.mark.parametrize("event_type", EVENT_TYPES.values(), ids=EVENT_TYPES)
def test_the_codec_round_trips(event_type: type[Event]) -> None:
    event_laws.the_codec_round_trips(event_type)


@pytest.mark.parametrize("event_type", EVENT_TYPES.values(), ids=EVENT_TYPES)
def test_evolving_never_raises(event_type: type[Event]) -> None:
    event_laws.evolving_never_raises(event_type)


def test_a_fold_can_resume_at_any_version() -> None:
    event_laws.a_fold_can_resume_at_any_version()


@pytest.mark.parametrize(("event_type", "state_type"), CHANGED_STATES, ids=lambda kind: kind.__name__)
def test_exactly_the_changed_fields_are_set(event_type: type[Event], state_type: type[State]) -> None:
    event_laws.changed_fields_are_set(event_type, state_type)


def test_the_first_event_sets_the_state_fields_it_names() -> None:
    event_laws.the_first_event_sets_the_state_fields_it_names()


def test_every_changed_field_exists_in_a_state() -> None:
    event_laws.every_changed_field_exists_in_a_state()
