"""Planted defects of events and states: each must turn a law of the domain red."""

import pytest

from domain.event import Event, State
from domain.member import MemberLeft, MemberRemoved
from domain.task import DueDateSet, Task, TaskCompleted, TaskCreated
from tests import planted_defects
from tests.domain import event_laws
from tests.planted_defects import assert_check_fails
from tests.strategies import change_fields, noun_of

pytestmark = pytest.mark.slow

ENDINGS = {MemberLeft, MemberRemoved}
"""Events that end the state."""


def test_an_evolve_that_drops_a_change_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.an_evolve_that_drops_a_change(monkeypatch)
    failure = assert_check_fails(lambda: event_laws.changed_fields_are_set(DueDateSet, Task))
    assert str(failure).startswith("DueDateSet leaves Task.due at ")
    assert "event=DueDateSet(due=Change(" in failure.__notes__[0]


@pytest.mark.parametrize(
    ("event_type", "state_type", "field"),
    [
        pytest.param(event_type, state_type, field, id=f"{event_type.__name__}.{field}")
        for event_type, state_type in event_laws.CHANGED_STATES
        for field in sorted(change_fields(event_type) & set(state_type.__struct_fields__))
        if noun_of(event_type) == noun_of(state_type) and event_type not in ENDINGS
    ],
)
def test_an_evolve_that_forgets_a_field_is_named(
    event_type: type[Event], state_type: type[State], field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted_defects.an_evolve_that_forgets_a_field(monkeypatch, event_type, state_type, field)
    failure = assert_check_fails(lambda: event_laws.changed_fields_are_set(event_type, state_type))
    assert str(failure).startswith(f"{event_type.__name__} leaves {state_type.__name__}.{field} at ")


def test_an_evolve_that_validates_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.an_evolve_that_validates(monkeypatch)
    assert_check_fails(lambda: event_laws.evolving_never_raises(TaskCompleted))


def test_a_codec_that_loses_a_field_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_codec_that_loses_a_field(monkeypatch)
    assert_check_fails(lambda: event_laws.the_codec_round_trips(TaskCreated))
    assert_check_fails(event_laws.golden_files_decode_and_encode_unchanged)


def test_a_stored_name_that_changed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_stored_name_that_changed(monkeypatch)
    assert_check_fails(event_laws.events_and_golden_files_match)


def test_a_stored_field_that_was_renamed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_stored_field_that_was_renamed(monkeypatch)
    assert_check_fails(event_laws.golden_files_decode_and_encode_unchanged)
