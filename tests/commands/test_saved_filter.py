"""Commands on a saved filter."""

from typing import Any

import pytest
from hypothesis import strategies as st
from msgspec.structs import replace

from commands.command import Command, OtherStreamEvent
from commands.handling.command_on import CommandOn
from commands.saved_filter import MAX_FILTERS_PER_USER, DeleteFilter, EditFilter, SaveFilter
from domain.errors import (
    FilterSyntax,
    FilterTooLong,
    FilterValue,
    IdTaken,
    NotFound,
    Refusal,
    TooManyFilters,
    UnknownField,
    VersionConflict,
    VersionRequired,
)
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
from tests import planted_defects
from tests.commands.decision_laws import at_current_version
from tests.examples import (
    ADA,
    AGENT,
    BOB,
    FILTER_SAVED,
    OTHER_FILTER,
    SAVED_FILTER,
    WORKSPACE,
    member,
    saved_filter,
    task,
    workspace,
)
from tests.given import EventHistory, given
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.strategies import COMMAND_STRATEGIES

SAVE = SaveFilter(name=FILTER_SAVED.name, filter=FILTER_SAVED.filter, sort=FILTER_SAVED.sort)
RENAME = EditFilter(name="Soon", expected_version=1)
DELETE = DeleteFilter(expected_version=1)
COUNT = filter_count_stream_id(ADA.id)


def test_a_filter_is_saved_and_counted() -> None:
    given().when(SAVE).then(FILTER_SAVED, OtherStreamEvent(COUNT, FiltersCounted(1)))
    given(saved_filter()).when(SAVE, on=OTHER_FILTER).then(FILTER_SAVED, OtherStreamEvent(COUNT, FiltersCounted(2)))


def test_an_agent_saves_a_filter_for_its_user() -> None:
    given().when(SAVE, actor=AGENT).then(FILTER_SAVED, OtherStreamEvent(COUNT, FiltersCounted(1)))
    given(saved_filter()).when(RENAME, actor=AGENT).then(FilterRenamed(Change("This week", "Soon")))


def test_a_filter_is_in_no_workspace() -> None:
    past = EventHistory([*workspace(), *saved_filter()])
    for command_on in (CommandOn(OTHER_FILTER, SAVE), CommandOn(SAVED_FILTER, RENAME), CommandOn(SAVED_FILTER, DELETE)):
        assert past.decide(command_on).workspace_id is None


def test_an_edit_writes_one_event_for_each_field_that_becomes_another() -> None:
    edit = EditFilter(name="Soon", filter="due<now", sort="-key", expected_version=1)
    there = given(saved_filter())
    there.when(edit).then(
        FilterRenamed(Change("This week", "Soon")),
        FilterRewritten(Change(FILTER_SAVED.filter, "due<now")),
        FilterResorted(Change("due", "-key")),
    )
    there.when(replace(edit, name=FILTER_SAVED.name, filter=FILTER_SAVED.filter)).then(
        FilterResorted(Change("due", "-key"))
    )
    there.when(EditFilter(sort=None, expected_version=1)).then(FilterResorted(Change("due", None)))


def test_an_edit_without_changes_writes_nothing() -> None:
    edit = EditFilter(name=FILTER_SAVED.name, filter=FILTER_SAVED.filter, sort=FILTER_SAVED.sort, expected_version=1)
    given(saved_filter()).when(edit).then_nothing()
    given(saved_filter()).when(EditFilter(expected_version=1)).then_nothing()


UNREADABLE: list[tuple[str, type[Refusal], int]] = [
    ("(milk", FilterSyntax, 0),
    ("colour:red", UnknownField, 0),
    ("status:open due<yesteryear", FilterValue, 16),
    ("x" * 4_001, FilterTooLong, 4_000),
]


@pytest.mark.parametrize(("text", "refusal", "offset"), UNREADABLE)
def test_an_unparsable_filter_is_not_saved(text: str, refusal: type[Refusal], offset: int) -> None:
    given().when(replace(SAVE, filter=text)).then_refused(refusal, offset=offset)
    edit = replace(RENAME, filter=text)
    given(saved_filter()).when(edit).then_refused(refusal, offset=offset)


def test_a_filter_of_an_old_grammar_can_still_be_renamed() -> None:
    """A later release may change the filter language."""
    old = FilterRewritten(Change(FILTER_SAVED.filter, "colour:red"))
    edit = EditFilter(name="Soon", filter="colour:red", expected_version=2)
    given(saved_filter(old)).when(edit).then(FilterRenamed(Change("This week", "Soon")))


def test_an_empty_filter_can_be_saved() -> None:
    given().when(replace(SAVE, filter="")).then(
        replace(FILTER_SAVED, filter=""), OtherStreamEvent(COUNT, FiltersCounted(1))
    )


def test_a_filter_that_is_deleted_is_not_found_nor_is_its_id_free() -> None:
    given(saved_filter(count=7)).when(DELETE).then(
        FilterDeleted(FILTER_SAVED.name), OtherStreamEvent(COUNT, FiltersCounted(6))
    )
    gone = given(saved_filter(FilterDeleted(FILTER_SAVED.name)))
    for command in (replace(DELETE, expected_version=2), replace(RENAME, expected_version=2)):
        gone.when(command).then_refused(NotFound)
    gone.when(SAVE).then_refused(IdTaken)


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("command", [RENAME, DELETE])
def test_anothers_filter_is_not_found_at_any_version(command: Command[Any], version: int) -> None:
    together = [*workspace(), *member(BOB, "admin"), *saved_filter()]
    given(together).when(replace(command, expected_version=version), actor=BOB).then_refused(NotFound)


def test_a_taken_id_reveals_nothing_about_its_stream() -> None:
    for taken in (saved_filter(), saved_filter(actor=BOB), saved_filter(FilterDeleted(FILTER_SAVED.name), actor=BOB)):
        assert given(taken).when(SAVE).then_refused(IdTaken).params == {}
    assert given(workspace(), task()).when(SAVE, on=WORKSPACE).then_refused(IdTaken).params == {}


def test_overwriting_and_deleting_need_an_expected_version() -> None:
    for command in (RENAME, DELETE):
        given(saved_filter()).when(replace(command, expected_version=None)).then_refused(VersionRequired)


def test_a_conflict_says_whether_a_rebase_is_possible() -> None:
    resorted = saved_filter(FilterResorted(Change("due", "key")))
    given(resorted).when(RENAME).then_refused(
        VersionConflict, current_version=2, conflicting_fields=[], rebase_possible=True
    )
    given(resorted).when(replace(RENAME, sort="-key")).then_refused(
        VersionConflict, conflicting_fields=["sort"], rebase_possible=False
    )


def test_a_user_has_a_maximum_of_filters() -> None:
    full = saved_filter(count=MAX_FILTERS_PER_USER)
    given(full).when(SAVE, on=OTHER_FILTER).then_refused(TooManyFilters, most=200)
    given(full).when(RENAME).then(FilterRenamed(Change("This week", "Soon")))
    given(full, [(COUNT, FiltersCounted(MAX_FILTERS_PER_USER - 1))]).when(SAVE, on=OTHER_FILTER).then(
        FILTER_SAVED, OtherStreamEvent(COUNT, FiltersCounted(MAX_FILTERS_PER_USER))
    )


def test_two_of_one_call_are_both_counted() -> None:
    past = EventHistory([])
    past.append(past.decide(CommandOn(SAVED_FILTER, SAVE), CommandOn(OTHER_FILTER, SAVE)).new_events)
    assert fold(FilterCount, past.events(COUNT)) == FilterCount(2)


def test_each_user_has_their_own_count() -> None:
    given(saved_filter(actor=BOB, count=MAX_FILTERS_PER_USER)).when(SAVE, on=OTHER_FILTER).then(
        FILTER_SAVED, OtherStreamEvent(COUNT, FiltersCounted(1))
    )


_commands_on = st.one_of(*(COMMAND_STRATEGIES[kind] for kind in (SaveFilter, EditFilter, DeleteFilter)))


@law(st.lists(st.tuples(_commands_on, st.sampled_from([ADA, BOB])), max_size=12), examples=150)
def filter_counts_equal_the_fold_and_owners_never_change(walk: list[tuple[CommandOn, Any]]) -> None:
    past = EventHistory([])
    owners: dict[Any, Any] = {}
    for command_on, who in walk:
        try:
            past.append(past.decide(at_current_version(command_on, past), actor=who).new_events)
        except Refusal:
            continue
        assert owners.setdefault(command_on.target, who) == who
        for user in (ADA, BOB):
            kept = [fold(SavedFilter, past.events(stream)) for stream in past.streams]
            count = fold(FilterCount, past.events(filter_count_stream_id(user.id))) or FilterCount()
            assert count.filters == sum(saved is not None and saved.user_id == user.id for saved in kept)


def test_filter_counts_equal_the_fold_and_owners_never_change() -> None:
    filter_counts_equal_the_fold_and_owners_never_change()


@pytest.mark.parametrize(
    "defect", [planted_defects.a_filter_readable_by_anyone, planted_defects.a_deletion_that_is_not_counted]
)
def test_a_planted_defect_is_noticed(defect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    defect(monkeypatch)
    assert_check_fails(filter_counts_equal_the_fold_and_owners_never_change)
