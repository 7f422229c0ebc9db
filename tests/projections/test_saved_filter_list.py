"""The saved filters, compared with a dictionary that is updated without streams and events."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import strategies as st

from domain.errors import BadCursor, CursorMismatch
from domain.event import Change, Event, OpaqueEvent, RecordedEvent
from domain.saved_filter import FilterDeleted, FilterRenamed, FilterResorted, FilterRewritten, FiltersCounted
from projections import saved_filter_list
from projections.engine.folding import events_by_document
from projections.fingerprint import fold_history
from projections.pagination import PageCursor, list_id_for
from projections.saved_filter_list import SavedFilterRow, projection
from tests import planted_defects
from tests.examples import ADA, BOB, COMMAND_ID, FILTER_SAVED, SAVED_FILTER, fixed_uuid7
from tests.given import OCCURRED_AT
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.projections.rows import build_row

STANDARD = ["mine", "overdue"]


def recorded(position: int, event: Event, stream: UUID = SAVED_FILTER, version: int = 1) -> RecordedEvent:
    return RecordedEvent(position, stream, version, event, ADA, COMMAND_ID, None, OCCURRED_AT, OCCURRED_AT)


def row(number: int, name: str, user: UUID = ADA.id) -> SavedFilterRow:
    return build_row(SavedFilterRow, id=fixed_uuid7(number), user_id=user, name=name)


def page_items(rows: Sequence[SavedFilterRow], limit: int, cursor: str | None = None) -> tuple[list[Any], str | None]:
    """The items of a page, and the cursor of the next."""
    answer = saved_filter_list.page(ADA.id, limit, cursor).build_answer(list(rows))
    assert answer is not None
    body = msgspec.json.decode(answer.body)
    assert body["next_cursor"] == answer.next_cursor
    return body["items"], answer.next_cursor


_NAMES = st.sampled_from(["Soon", "soon", "Später", "Oat milk", "молоко", "ΐ" * 100, '"' * 100, "\U0001f6d2" * 100])
_stories = st.lists(
    st.tuples(
        st.sampled_from([ADA.id, BOB.id]), st.integers(101, 104), _NAMES, st.sampled_from(["save", "rename", "drop"])
    ),
    max_size=15,
)


@law(_stories, examples=100)
def users_list_their_own_filters_by_last_name(
    story: list[tuple[UUID, int, str, str]],
) -> None:
    kept, history, versions = dict[UUID, tuple[UUID, str]](), list[RecordedEvent](), dict[UUID, int]()
    for position, (user, number, name, what) in enumerate(story, 1):
        stream = fixed_uuid7(number)
        owner, before = kept.get(stream, (user, ""))
        event: Event
        if what == "save" and stream not in versions:
            event, kept[stream] = msgspec.structs.replace(FILTER_SAVED, user_id=user, name=name), (user, name)
        elif what == "rename" and stream in kept:
            event, kept[stream] = FilterRenamed(Change(before, name)), (owner, name)
        elif what == "drop" and stream in kept:
            event, _ = FilterDeleted(before), kept.pop(stream)
        else:
            continue
        versions[stream] = versions.get(stream, 0) + 1
        history.append(recorded(position, event, stream, versions[stream]))
    rows = {found.id: found for found in fold_history(projection, history).values()}
    assert {key: (found.user_id, found.name) for key, found in rows.items()} == kept
    assert all(found.version == versions[key] for key, found in rows.items())
    assert all(list(projection.scopes(found)) == [found.user_id] for found in rows.values())


def test_users_list_their_own_filters_by_last_name() -> None:
    users_list_their_own_filters_by_last_name()


def test_a_fold_that_forgets_the_user_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_fold_that_forgets_the_user(monkeypatch)
    assert_check_fails(users_list_their_own_filters_by_last_name)


def test_a_row_shows_the_last_values_of_its_events() -> None:
    later = [FilterRewritten(Change(FILTER_SAVED.filter, "due<now")), FilterResorted(Change("due", None))]
    history = [recorded(place, event, version=place) for place, event in enumerate([FILTER_SAVED, *later], 1)]
    assert fold_history(projection, history) == {
        SAVED_FILTER: build_row(
            SavedFilterRow, id=SAVED_FILTER, user_id=ADA.id, name="This week", filter="due<now", version=3
        )
    }


def test_counts_touch_no_row_and_unknown_events_may() -> None:
    shared = recorded(2, OpaqueEvent("FilterShared", b"{}"))
    assert events_by_document(projection, [recorded(1, FiltersCounted(1)), shared], 0, 1) == {SAVED_FILTER: [shared]}


@law(st.lists(_NAMES, max_size=12), st.integers(1, 5), examples=100)
def pages_hold_each_filter_once_by_name(names: list[str], limit: int) -> None:
    rows = [row(number, name) for number, name in enumerate(names, 200)]
    items, cursor = page_items(rows, limit)
    while cursor:
        assert len(cursor) <= 1_000, "the cursor is too long for the parameter"
        more, cursor = page_items(rows, limit, cursor)
        items += more
    assert [item["id"] for item in items[:2]] == STANDARD
    assert sorted(item["id"] for item in items[2:]) == [str(one.id) for one in rows]
    assert [item["name"].casefold() for item in items[2:]] == sorted(name.casefold() for name in names)


def test_pages_hold_each_filter_once_by_name() -> None:
    pages_hold_each_filter_once_by_name()


def test_a_cursor_survives_the_deletion_of_its_filter() -> None:
    rows = [row(201, "a"), row(202, "b"), row(203, "c")]
    items, cursor = page_items(rows, 4)
    assert [item["name"] for item in items] == ["My tasks", "Overdue", "a", "b"]
    assert [item["name"] for item in page_items([rows[0], rows[2]], 4, cursor)[0]] == ["c"]


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(CursorMismatch):
        saved_filter_list.page(BOB.id, 1, page_items([], 1)[1])


@pytest.mark.parametrize("place", [7, ["a"], [True, "a"], [1, "a", "b"], [True, "a", 7], None, {}])
def test_a_cursor_without_a_position_is_refused(place: object) -> None:
    with pytest.raises(BadCursor):
        saved_filter_list.page(ADA.id, 1, PageCursor(list_id_for(ADA.id, "filters", {}), place).encode())
