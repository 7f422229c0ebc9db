"""A saved filter: the fold of its events, and the number that a user has."""

from domain.event import Change, fold
from domain.saved_filter import (
    FilterCount,
    FilterDeleted,
    FilterRenamed,
    FilterResorted,
    FilterRewritten,
    FiltersCounted,
    SavedFilter,
    filter_count_stream_id,
)
from tests.examples import ADA, BOB, FILTER_SAVED


def test_a_filter_has_its_last_name_text_and_sort() -> None:
    later = [
        FilterRenamed(Change("This week", "Soon")),
        FilterRewritten(Change(FILTER_SAVED.filter, "due<now")),
        FilterResorted(Change("due", None)),
    ]
    assert fold(SavedFilter, [FILTER_SAVED, *later]) == SavedFilter(ADA.id, "Soon", "due<now", None)


def test_a_deleted_filter_stays_deleted() -> None:
    assert fold(SavedFilter, [FILTER_SAVED, FilterDeleted(FILTER_SAVED.name)]) is None
    assert (
        fold(SavedFilter, [FILTER_SAVED, FilterDeleted(FILTER_SAVED.name), FilterRenamed(Change("This week", "Soon"))])
        is None
    )


def test_the_last_count_is_the_state() -> None:
    """The promise of `is_last_event_enough`: a reader of the last event alone gets the same state."""
    assert FilterCount.is_last_event_enough
    counts = [FiltersCounted(1), FiltersCounted(2), FiltersCounted(1)]
    assert fold(FilterCount, counts) == fold(FilterCount, counts[-1:]) == FilterCount(1)


def test_each_user_has_a_count_that_no_client_can_name() -> None:
    assert filter_count_stream_id(ADA.id) == filter_count_stream_id(ADA.id) != filter_count_stream_id(BOB.id)
    assert filter_count_stream_id(ADA.id).version == 5
