"""Planted defects in the import: each must turn a test of it red."""

import contextlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from cli.import_ import flat_parents, parsing
from cli.import_.priority import PriorityScale, recognize_scale
from cli.import_.rows import Row
from cli.import_.status_words import STATUS_BY_WORD, Status
from infra.errors import OperatorError
from tests.cli.import_ import (
    test_priority,
    test_progress,
    test_refused_rows,
    test_sub_tasks,
    test_task_lists,
    test_texts_and_dates,
    test_times_and_checklists,
)
from tests.cli.import_.planned_import import plan
from tests.law import planted_defect


def any_list_is_one_of_tasks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.task_lists._are_bare", lambda _: True)
    patch.setattr("cli.import_.task_lists.OTHER_LISTS", frozenset())


def no_export_is_known(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.task_lists.refuse_known_exports", lambda *_: None)


def projects_are_tasks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.task_lists._is_container", lambda *_: False)


def deleted_tasks_come_back(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(STATUS_BY_WORD, "tombstone", Status(is_plain=True))


def columns_are_found_by_name_alone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.board_columns.BoardColumns.find_for", lambda *_: None)


def zero_is_the_least_urgent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tests.cli.import_.planned_import.recognize_scale", lambda _: PriorityScale({0: "none", 1: "low"}))


def unknown_priorities_are_not_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.mapping.parse_priority", lambda *_: "none")


def only_the_first_level_is_searched_for_repeated_names(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.row_fields._require_valid", lambda *_: None)


def zero_dates_are_dates(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.due.is_zero_date", lambda _: False)


def line_ends_stay_in_titles(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.mapping.to_one_line", lambda title: title)


def bodies_keep_their_tags(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.description.html_to_text", lambda html: html)


def every_refusal_is_a_kind_of_its_own(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.text_validation.MalformedRow.__init__", _init_without_kind)


def _init_without_kind(self: Any, reason: str, *, kind: str | None = None) -> None:
    del kind
    Exception.__init__(self, reason)
    self.kind = reason


def a_torn_first_line_spoils_the_file(patch: pytest.MonkeyPatch) -> None:
    parse_lines = parsing._parse_json_lines  # noqa: SLF001 - the defect belongs in this function
    patch.setattr("cli.import_.parsing._parse_json_lines", lambda text: parse_lines(text) if text[0] == "{" else None)


def the_last_of_repeated_members_wins(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.parsing._decode_json", json.loads)


def the_scale_is_that_of_the_first_row(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tests.cli.import_.planned_import.recognize_scale", lambda rows: recognize_scale(list(rows)[:1]))


def sub_tasks_are_tasks_of_their_own(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.mapping._below", lambda task, _: task.without_parent())


def parents_are_found_nested_only(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.task_lists.with_flat_parents", lambda rows: rows)


def sub_tasks_stand_where_the_file_has_them(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.flat_parents._in_order", lambda rows: rows)


def deleted_tasks_have_sub_tasks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.mapping.MappedTask.without_parent", lambda task: task)


def rows_in_a_circle_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    in_order = flat_parents._in_order  # noqa: SLF001 - the defect belongs in this function
    patch.setattr("cli.import_.flat_parents._in_order", lambda rows: _without_circles(list(in_order(rows)), rows))


def _without_circles(ordered: list[Row], rows: Sequence[Row]) -> list[Row]:
    opened = {id(row.value) for row in rows if row.parent} - {id(row.value) for row in ordered if row.parent}
    return [row for row in ordered if id(row.value) not in opened]


def points_are_minutes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.estimate._POINT_FIELDS", frozenset())


def every_item_is_unchecked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.checklist._is_done", lambda _: False)


def a_start_may_be_after_the_due_date(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.start.require_start_before_due", lambda *_: None)


def archived_tasks_stay_on_the_board(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.progress_claims.ARCHIVED_FIELDS", ())


def makes_no_tasks(export: object) -> None:
    with contextlib.suppress(OperatorError):
        assert plan(export).titles == set()


DEFECTS: list[tuple[Callable[[pytest.MonkeyPatch], None], Callable[[], None]]] = [
    (any_list_is_one_of_tasks, partial(makes_no_tasks, {"labels": test_task_lists.LABELS})),
    (no_export_is_known, partial(makes_no_tasks, test_task_lists.TRELLO)),
    (projects_are_tasks, test_task_lists.test_projects_that_contain_tasks_become_labels_and_no_tasks),
    (deleted_tasks_come_back, test_progress.test_the_report_counts_deleted_tasks_apart),
    (columns_are_found_by_name_alone, test_progress.test_progress_on_a_board_without_such_a_column_becomes_a_label),
    (zero_is_the_least_urgent, test_priority.test_the_scale_and_each_value_are_told),
    (
        unknown_priorities_are_not_told,
        partial(test_priority.test_a_priority_is_never_lost_in_silence, ["enormous"], "unknown"),
    ),
    (
        only_the_first_level_is_searched_for_repeated_names,
        partial(
            test_refused_rows.test_what_is_no_json_anywhere_in_a_row_refuses_it,
            '{"title": "A", "x": NaN}',
            "NaN is not a JSON value",
        ),
    ),
    (
        a_torn_first_line_spoils_the_file,
        partial(
            test_refused_rows.test_a_torn_line_costs_that_row_only,
            'itle": "A"}\n{"title": "B"}\n{"title": "C"}\n',
            "line 1",
        ),
    ),
    (
        the_last_of_repeated_members_wins,
        partial(
            test_refused_rows.test_what_is_no_json_anywhere_in_a_row_refuses_it,
            '{"title": "A", "mood": [{"deep": {"x": 1, "x": 1}}]}',
            "the name 'x' occurs twice",
        ),
    ),
    (
        the_scale_is_that_of_the_first_row,
        partial(test_priority.test_a_scale_is_recognized_from_the_whole_file, [2, 0], ["medium", "urgent"]),
    ),
    (zero_dates_are_dates, partial(test_texts_and_dates.test_a_zero_date_is_no_date_and_told, "1970-01-01T00:00:00Z")),
    (
        line_ends_stay_in_titles,
        partial(test_texts_and_dates.test_a_line_end_in_a_title_becomes_a_space_and_is_told, "one\ntwo"),
    ),
    (
        bodies_keep_their_tags,
        partial(
            test_texts_and_dates.test_a_body_may_be_an_object_or_html, {"description_html": "<p>x</p>"}, "x", "HTML"
        ),
    ),
    (sub_tasks_are_tasks_of_their_own, test_sub_tasks.test_any_tree_keeps_its_parents_nested_or_flat),
    (parents_are_found_nested_only, test_sub_tasks.test_any_tree_keeps_its_parents_nested_or_flat),
    (sub_tasks_stand_where_the_file_has_them, test_sub_tasks.test_any_tree_keeps_its_parents_nested_or_flat),
    (deleted_tasks_have_sub_tasks, test_sub_tasks.test_any_tree_keeps_its_parents_nested_or_flat),
    (rows_in_a_circle_are_forgotten, test_sub_tasks.test_parents_of_any_shape_lose_no_row),
    (points_are_minutes, test_times_and_checklists.test_points_are_no_minutes),
    (
        every_item_is_unchecked,
        partial(
            test_times_and_checklists.test_a_checklist_is_carried_over,
            {"checklists": [test_times_and_checklists.TRELLO]},
        ),
    ),
    (
        a_start_may_be_after_the_due_date,
        test_times_and_checklists.test_a_start_after_the_due_date_is_told_and_refuses_nothing,
    ),
    (
        archived_tasks_stay_on_the_board,
        partial(
            test_progress.test_closed_archived_and_deleted_are_told_in_the_report,
            {"archived": True},
            "open, archived",
            (),
            "archived true became a task in the archive",
        ),
    ),
    (every_refusal_is_a_kind_of_its_own, test_refused_rows.test_refusals_of_one_kind_are_one_line),
]


@pytest.mark.parametrize(("plant", "check"), DEFECTS, ids=[plant.__name__ for plant, _ in DEFECTS])
def test_a_defect_in_the_import_turns_its_test_red(
    plant: Callable[[pytest.MonkeyPatch], None], check: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    check()
    plant(monkeypatch)
    with planted_defect(), pytest.raises((AssertionError, OperatorError)):
        check()
