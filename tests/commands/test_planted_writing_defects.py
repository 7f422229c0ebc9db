"""Planted defects in what a change of a task, a board or an account means: each must turn the named test red."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from commands import column, task_changes
from commands.column import ColumnSpec
from commands.command import Command, DecisionContext
from commands.handling.decision import Decision
from commands.instance import AppointAdministrator
from commands.task import CompleteTask, EditTask, MoveTask
from commands.text_patterns import LINE_PATTERN
from commands.user import DeleteAccount
from domain.column import Column
from domain.event import Event
from domain.instance import AdministratorAppointed, Instance
from domain.project import Project
from domain.task import Task, TaskStatus
from domain.user import AccountDeleted, User
from tests.commands import test_column, test_done_column, test_task, test_text_patterns, test_user
from tests.commands.handling import test_conflict
from tests.examples import ADA
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow

Patch = pytest.MonkeyPatch


def edits_leave_labels_alone(patch: Patch) -> None:
    patch.setattr("commands.task.fields.set_labels", lambda *_: iter(()))


def edits_give_labels_their_new_spelling(patch: Patch) -> None:
    patch.setattr("commands.task_changes.normalize_label", lambda label: label)


def edits_assign_users_who_are_no_members(patch: Patch) -> None:
    patch.setattr("commands.task_changes.require_assignable", lambda *_: None)


def edits_check_assignees_who_stay(patch: Patch) -> None:
    set_assignees = task_changes.set_assignees

    def strict(task: Task, users: Sequence[Any], context: DecisionContext) -> Iterator[Event]:
        for user in users:
            task_changes.require_assignable(task.workspace_id, user, context)
        yield from set_assignees(task, users, context)

    patch.setattr("commands.task.fields.set_assignees", strict)


def edits_do_not_change_the_status(patch: Patch) -> None:
    place = task_changes.place
    patch.setattr("commands.task.fields.place", lambda *given, column, **_: place(*given, column=column))


def completed_tasks_stay_in_their_column(patch: Patch) -> None:
    patch.setattr("commands.task_changes._column_for", lambda *_: None)


def the_done_column_completes_nothing(patch: Patch) -> None:
    patch.setattr("commands.task_changes._status_for", lambda task, *_: task.status)


def reopening_forgets_where_a_task_was_completed(patch: Patch) -> None:
    column_for = task_changes._column_for  # noqa: SLF001 - the defect belongs in this function
    patch.setattr(
        "commands.task_changes._column_for", lambda task, *given: column_for(replace(task, completed_from=None), *given)
    )


def a_column_wins_over_a_status(patch: Patch) -> None:
    status_for = task_changes._status_for  # noqa: SLF001 - as above

    def status(task: Task, done_column: Column, column: Column, _: object) -> TaskStatus:
        return status_for(task, done_column, column, None)

    patch.setattr("commands.task_changes._status_for", status)


class _AsHuman:
    """The context of a decision that takes an import for a person."""

    def __init__(self, context: Decision) -> None:
        self._context = context
        self.actor = ADA

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def __call__(self, *asked: Any) -> Any:
        return self._context(*asked)


def imports_obey_the_done_column(patch: Patch) -> None:
    place = task_changes.place

    def placed(task_id: UUID, task: Task, project: Project, context: Any, **wanted: Any) -> Iterator[Any]:
        as_human: Any = _AsHuman(context)
        return place(task_id, task, project, as_human, **wanted)

    for part in ("complete", "fields", "move"):
        patch.setattr(f"commands.task.{part}.place", placed)


def a_board_may_have_two_done_columns(patch: Patch) -> None:
    resolve = column._resolve_columns  # noqa: SLF001 - as above

    def resolved(project: Project, specs: Sequence[ColumnSpec]) -> Any:
        columns = resolve(project, [replace(spec, done=False) for spec in specs])
        return tuple(replace(one, done=spec.done) for one, spec in zip(columns, specs, strict=True))

    patch.setattr("commands.column._resolve_columns", resolved)


def a_column_with_tasks_is_removed_in_silence(patch: Patch) -> None:
    patch.setattr("commands.column.require_no_tasks", lambda *_: None)


def tasks_of_a_removed_column_stay_behind(patch: Patch) -> None:
    patch.setattr("commands.column.move_all_tasks", lambda *_, **__: iter(()))


def moved_tasks_pass_a_full_column(patch: Patch) -> None:
    patch.setattr("commands.column_removal.enter_column", lambda *_: iter(()))


def tasks_that_leave_for_the_done_column_stay_open(patch: Patch) -> None:
    patch.setattr("commands.column_removal.status_events", lambda *_: iter(()))


def columns_differ_by_their_spaces(patch: Patch) -> None:
    for module in ("commands.column", "domain.project"):
        patch.setattr(f"{module}.comparable_name", str.casefold)


def a_refused_stale_command_names_no_fields(patch: Patch) -> None:
    patch.setattr(Command, "named_fields", lambda _: frozenset())


def any_user_appoints_the_administrator(patch: Patch) -> None:
    def decide(command: AppointAdministrator, _: Instance, __: DecisionContext) -> Iterator[Event]:
        yield AdministratorAppointed(command.user_id)

    patch.setattr(AppointAdministrator, "decide", decide)


def the_administrator_leaves_the_installation_alone(patch: Patch) -> None:
    def decide(_: DeleteAccount, __: User, ___: DecisionContext) -> Iterator[Event]:
        yield AccountDeleted()

    patch.setattr(DeleteAccount, "decide", decide)


def a_line_may_show_nothing(patch: Patch) -> None:
    _use_line_pattern(patch, LINE_PATTERN.replace(r"\u2800", ""))


def a_line_may_be_of_format_characters(patch: Patch) -> None:
    _use_line_pattern(patch, LINE_PATTERN.replace(r"\ufff9-\ufffb", ""))


def a_line_may_have_isolates(patch: Patch) -> None:
    _use_line_pattern(patch, LINE_PATTERN.replace(r"\u2066-\u2069", ""))


def a_line_has_no_joiners(patch: Patch) -> None:
    _use_line_pattern(patch, LINE_PATTERN.replace(r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069", r"\u200b-\u206f"))


def _use_line_pattern(patch: Patch, pattern: str) -> None:
    assert pattern != LINE_PATTERN
    patch.setattr(test_text_patterns, "LINE", re.compile(pattern))


completes = test_done_column.test_completing_moves_to_the_done_column_and_moving_there_completes
edits = test_task.test_an_edit_moves_completes_labels_and_assigns_with_the_events_of_those_commands
contradicts = test_done_column.test_a_column_and_a_status_that_contradict_each_other_are_refused
moves_along = test_column.test_the_tasks_of_a_column_that_is_left_out_move_with_it
names_fields = test_conflict.test_a_stale_command_that_a_rule_refuses_names_its_fields_all_the_same
one_stale_edit = EditTask(title="Buy tea", column="nowhere", expected_version=1)
DEFECTS: list[tuple[Callable[[Patch], None], Callable[[], None]]] = [
    (edits_leave_labels_alone, edits),
    (edits_do_not_change_the_status, edits),
    (
        edits_give_labels_their_new_spelling,
        test_task.test_an_edit_of_lists_removes_what_is_left_out_and_keeps_the_rest_as_spelled,
    ),
    (
        edits_assign_users_who_are_no_members,
        test_task.test_an_edit_obeys_the_rules_of_the_commands_that_it_stands_for,
    ),
    (edits_check_assignees_who_stay, test_task.test_an_assignee_who_has_left_may_stay_in_an_edit),
    (completed_tasks_stay_in_their_column, partial(completes, CompleteTask())),
    (the_done_column_completes_nothing, partial(completes, MoveTask(column="Done", expected_version=1))),
    (
        reopening_forgets_where_a_task_was_completed,
        test_done_column.test_reopening_goes_back_to_where_the_task_was_completed,
    ),
    (a_column_wins_over_a_status, partial(contradicts, "doing", "done")),
    (imports_obey_the_done_column, test_done_column.test_an_import_keeps_column_and_status_as_its_file_has_them),
    (
        a_board_may_have_two_done_columns,
        test_done_column.test_a_board_has_one_done_column_and_setting_it_moves_no_task,
    ),
    (
        a_column_with_tasks_is_removed_in_silence,
        test_column.test_a_column_with_tasks_is_not_left_out_unless_that_is_said,
    ),
    (tasks_of_a_removed_column_stay_behind, partial(moves_along, "doing", "done")),
    (
        moved_tasks_pass_a_full_column,
        test_column.test_tasks_move_to_a_column_that_is_new_and_under_the_limit_of_one_that_is_not,
    ),
    (
        tasks_that_leave_for_the_done_column_stay_open,
        partial(
            test_done_column.test_tasks_that_leave_a_removed_column_for_the_done_one_are_completed,
            "done",
            [test_done_column.COMPLETED_HERE, test_done_column.INTO_DONE],
        ),
    ),
    (columns_differ_by_their_spaces, partial(test_column.test_columns_have_one_name_in_every_spelling, "To  do")),
    (a_refused_stale_command_names_no_fields, partial(names_fields, one_stale_edit, ["column", "title"])),
    (any_user_appoints_the_administrator, test_user.test_the_administrator_alone_appoints_another_user),
    (
        the_administrator_leaves_the_installation_alone,
        test_user.test_the_administrator_hands_over_before_deleting_the_account,
    ),
    (a_line_may_show_nothing, test_text_patterns.test_no_blank_character_makes_a_line_alone_or_beside_spaces),
    (
        a_line_may_be_of_format_characters,
        partial(test_text_patterns.test_blanks_of_several_kinds_together_are_no_line, "\ufff9\ufffa\ufffb"),
    ),
    (a_line_may_have_isolates, test_text_patterns.test_no_line_holds_a_control_or_a_character_that_reorders_it),
    (
        a_line_has_no_joiners,
        partial(test_text_patterns.test_joiners_and_selectors_stay_welcome_beside_others, "a\u200db"),
    ),
]


@pytest.mark.parametrize(("plant", "check"), DEFECTS, ids=[plant.__name__ for plant, _ in DEFECTS])
def test_a_defect_in_a_change_turns_its_test_red(
    plant: Callable[[Patch], None], check: Callable[[], None], monkeypatch: Patch
) -> None:
    check()
    plant(monkeypatch)
    assert_check_fails(check)
