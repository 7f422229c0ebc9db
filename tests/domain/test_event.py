"""Events: the fields that they change, and their effect on states."""

from domain.event import Change, apply_changes, changes, fold
from domain.task import DueDateSet, Task, TaskCreated, TaskRenamed
from tests.examples import COMPLETED, CREATED, MOVED, PROJECT, RENAMED, TRASHED


def test_a_change_to_the_same_value_is_ignored() -> None:
    assert changes(MOVED) == {"column": Change("todo", "doing")}


def test_plain_fields_are_context_and_no_change() -> None:
    assert set(changes(TRASHED)) == {"trashed"}
    assert changes(CREATED) == {}


def test_a_record_without_the_changed_field_stays_the_same() -> None:
    assert apply_changes(COMPLETED, RENAMED) is COMPLETED


def test_a_record_that_is_no_state_takes_the_new_value_too() -> None:
    renamed = apply_changes(CREATED, RENAMED)
    assert isinstance(renamed, TaskCreated)
    assert renamed.title == "Buy bread"


def test_a_fold_of_no_events_is_none() -> None:
    assert fold(Task, []) is None


def test_events_before_the_first_leave_nothing() -> None:
    assert fold(Task, [RENAMED, COMPLETED]) is None


def test_the_later_event_wins() -> None:
    task = fold(Task, [CREATED, RENAMED, TaskRenamed(Change("Buy bread", "Buy tea"))])
    assert task
    assert task.title == "Buy tea"


def test_a_due_date_can_be_taken_away() -> None:
    task = fold(Task, [CREATED, DueDateSet(Change(None, "2026-12-01")), DueDateSet(Change("2026-12-01", None))])
    assert task
    assert task.due is None
    assert task.project_id == PROJECT
