"""A lost race: the conflict that its loser gets."""

from itertools import pairwise
from typing import Any

import pytest

from commands.column import ColumnSpec, SetColumns
from commands.command import Command
from commands.handling.conflict import MAX_INTERVENING_EVENTS
from commands.task import AssignTask, CompleteTask, EditTask, MoveTask
from commands.trash import TrashTask
from domain.errors import VersionConflict
from domain.event import Change, Event, fold
from domain.task import DueDateSet, Task, TaskRenamed
from tests.examples import (
    BOB,
    COMPLETED,
    CREATED,
    MOVED,
    RENAMED,
    REOPENED,
    TRASHED,
    limited_column,
    project,
    task,
    workspace,
)
from tests.given import Given, given, intervening_events

DUE = DueDateSet(Change(None, "2026-12-01"))


def given_task(*later: Event) -> Given:
    return given(workspace(), project(), task(*later))


def test_a_conflict_reports_everything() -> None:
    conflict = (
        given_task(RENAMED, COMPLETED)
        .when(EditTask(title="Buy tea", due="2026-12-01", expected_version=1))
        .then_refused(
            VersionConflict,
            expected_version=1,
            current_version=3,
            conflicting_fields=["title"],
            rebase_possible=False,
            current=fold(Task, [CREATED, RENAMED, COMPLETED]),
        )
    )
    assert intervening_events(conflict) == [RENAMED, COMPLETED]
    assert str(conflict) == "You expected version 1; the present version is 3."


def test_only_events_after_the_expected_version_are_intervening() -> None:
    edit = EditTask(title="Buy tea", expected_version=2)
    conflict = (
        given_task(RENAMED, COMPLETED)
        .when(edit)
        .then_refused(VersionConflict, conflicting_fields=[], rebase_possible=True)
    )
    assert intervening_events(conflict) == [COMPLETED]


def test_fields_conflict_in_alphabetical_order() -> None:
    edit = EditTask(title="Buy tea", due="2026-12-24", expected_version=1)
    given_task(RENAMED, DUE).when(edit).then_refused(VersionConflict, conflicting_fields=["due", "title"])


def test_an_edit_to_the_value_just_written_still_conflicts() -> None:
    same = EditTask(title="Buy bread", expected_version=1)
    given_task(RENAMED).when(same).then_refused(VersionConflict, conflicting_fields=["title"], rebase_possible=False)


def test_a_field_the_command_leaves_unchanged_does_not_conflict() -> None:
    resubmitted = EditTask(title="Buy milk", due="2026-12-24", expected_version=1)
    given_task(RENAMED).when(resubmitted).then_refused(VersionConflict, conflicting_fields=[], rebase_possible=True)


def test_a_field_changed_and_changed_back_still_conflicts() -> None:
    given_task(COMPLETED, REOPENED).when(CompleteTask(expected_version=1)).then_refused(
        VersionConflict, conflicting_fields=["status"]
    )


def test_a_move_within_a_project_does_not_conflict_over_the_project() -> None:
    move = MoveTask(column="done", expected_version=1)
    given_task(MOVED).when(move).then_refused(VersionConflict, conflicting_fields=["column"])


def test_at_most_fifty_events_are_shown_and_they_are_the_last() -> None:
    titles = ["Buy milk", *(f"Buy {number} milks" for number in range(MAX_INTERVENING_EVENTS + 10))]
    renamings = [TaskRenamed(Change(old, new)) for old, new in pairwise(titles)]
    conflict = given_task(*renamings).when(TrashTask(expected_version=1)).then_refused(VersionConflict)
    assert intervening_events(conflict) == renamings[-MAX_INTERVENING_EVENTS:]
    assert conflict.params["current_version"] == MAX_INTERVENING_EVENTS + 11


def test_a_field_changed_before_the_last_fifty_events_conflicts_too() -> None:
    titles = ["Buy milk", *(f"Buy {number} milks" for number in range(MAX_INTERVENING_EVENTS + 10))]
    renamings = [TaskRenamed(Change(old, new)) for old, new in pairwise(titles)]
    given_task(DUE, *renamings).when(EditTask(due="2026-12-24", expected_version=1)).then_refused(
        VersionConflict, conflicting_fields=["due"]
    )


@pytest.mark.parametrize("command", [CompleteTask(expected_version=9), EditTask(title="Buy tea", expected_version=9)])
def test_a_version_ahead_of_the_stream_cannot_be_rebased(command: Command[Any]) -> None:
    conflict = (
        given_task()
        .when(command)
        .then_refused(
            VersionConflict,
            current_version=1,
            conflicting_fields=[],
            rebase_possible=False,
            current=fold(Task, [CREATED]),
        )
    )
    assert intervening_events(conflict) == []


def test_a_command_on_version_zero_cannot_be_rebased() -> None:
    given_task().when(EditTask(title="Buy tea", expected_version=0)).then_refused(
        VersionConflict, rebase_possible=False
    )


def test_an_edit_of_a_task_that_was_trashed_since_cannot_be_rebased() -> None:
    given_task(TRASHED).when(EditTask(title="Buy tea", expected_version=1)).then_refused(
        VersionConflict, rebase_possible=False
    )


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        (MoveTask(column="nowhere", expected_version=1), ["column"]),
        (EditTask(title="Buy tea", column="nowhere", expected_version=1), ["column", "title"]),
        (EditTask(column="nowhere", expected_version=1), ["column"]),
        (EditTask(priority="high", column="nowhere", expected_version=1), ["column"]),
        (EditTask(due=None, assignees=(BOB.id,), expected_version=1), []),
        (AssignTask(user_id=BOB.id, expected_version=1), []),
    ],
)
def test_a_stale_command_that_a_rule_refuses_names_its_fields_all_the_same(
    command: Command[Any], fields: list[str]
) -> None:
    given_task(RENAMED, MOVED).when(command).then_refused(
        VersionConflict, conflicting_fields=fields, rebase_possible=False
    )


def test_a_stale_board_with_an_unknown_column_id_names_the_columns() -> None:
    stale = SetColumns(columns=(ColumnSpec(name="To do", id="nowhere"),), expected_version=1)
    given(workspace(), project(), limited_column()).when(stale).then_refused(
        VersionConflict, conflicting_fields=["columns"], rebase_possible=False
    )
