"""Histories: which fields events show as changed, told by their type where that is usual, else by the event."""

from domain import codec, history
from domain.event import Event, OpaqueEvent, RecordedEvent
from domain.history import BOOKKEEPING_EVENTS, HistoryFilter
from tests.examples import ADA, COMMAND_ID, EVERY_EVENT, TASK, WORKSPACE
from tests.given import OCCURRED_AT


def recorded(event: Event, version: int) -> RecordedEvent:
    return RecordedEvent(1, TASK, version, event, ADA, COMMAND_ID, WORKSPACE, OCCURRED_AT, OCCURRED_AT)


def is_found(one: RecordedEvent, field: str) -> bool:
    """Whether a search by the type, or by what is stored of an unusual event, finds it."""
    unusual = history.unusual_fields(one)
    if unusual is None:
        return codec.stored_name_of(one.event) in history.types_usually_showing(field)
    return field in unusual


def test_every_event_is_found_by_the_fields_that_it_shows_and_by_no_other() -> None:
    for version in (1, 2):
        for one in (recorded(event, version) for event in EVERY_EVENT):
            shown = history.shown_fields(one)
            for field in history.known_fields() | shown:
                assert is_found(one, field) == (field in shown), (one.event, field)


def test_an_event_of_an_unknown_type_shows_no_field() -> None:
    one = recorded(OpaqueEvent("TaskSung", b"{}"), 1)
    assert history.shown_fields(one) == frozenset()
    assert history.unusual_fields(one) is None


def test_most_events_are_usual() -> None:
    later = [recorded(event, 2) for event in EVERY_EVENT if type(event) not in BOOKKEEPING_EVENTS]
    usual = [one for one in later if history.unusual_fields(one) is None and history.shown_fields(one)]
    changing = [one for one in later if history.shown_fields(one)]
    assert len(usual) > len(changing) * 0.8


def test_a_filter_has_the_conditions_that_were_given() -> None:
    assert HistoryFilter().conditions() == {}
    assert HistoryFilter(kind="rule", field="due").conditions() == {"kind": "rule", "field": "due"}
