"""Planted defects in how an import reads a file: each must turn a test red."""

import contextlib
from collections.abc import Callable
from functools import partial

import pytest

from cli.import_.priority import PriorityScale
from infra.errors import OperatorError
from tests.cli.import_ import (
    test_messages,
    test_priority,
    test_progress,
    test_refused_rows,
    test_task_lists,
    test_texts_and_dates,
)
from tests.cli.import_.planned_import import plan
from tests.planted_defects import assert_check_fails


def whatever_has_a_name_is_a_task(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.task_lists.kind_of_objects", lambda _: None)


def pull_requests_are_tasks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.task_lists.is_pull_request", lambda _: False)


def tools_are_not_known(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.priority.find_tool_scale", lambda *_: None)


def a_scale_of_either_way_is_guessed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.priority._guess_scale", lambda *_: PriorityScale({5: "low"}))


def inactive_tasks_are_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.progress_claims.ACTIVE_FIELDS", ())


def long_values_are_shown_whole(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.report.shorten", lambda text, *_: str(text))
    patch.setattr("cli.import_.priority.quote", repr)


def other_formats_are_not_known(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.parsing.describe_other_format", lambda _: None)


def long_numbers_refuse_the_file(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.parsing._decode_with_long_numbers", lambda _: [])


def ids_are_labels(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("cli.import_.mapping.is_uuid", lambda _: False)


def makes_no_tasks(document: object) -> None:
    with contextlib.suppress(OperatorError):
        assert plan(document).titles == set()


DEFECTS: list[tuple[Callable[[pytest.MonkeyPatch], None], Callable[[], None]]] = [
    (
        whatever_has_a_name_is_a_task,
        partial(makes_no_tasks, [test_task_lists.GITHUB_LABEL]),
    ),
    (
        pull_requests_are_tasks,
        partial(test_task_lists.test_pull_requests_are_left_out_and_counted, {"title": "F", "pull_request": {"a": 1}}),
    ),
    (
        tools_are_not_known,
        partial(
            test_priority.test_one_telling_member_is_enough_to_know_a_tool,
            test_priority.LINEAR_QUERY,
            ["none", "urgent"],
        ),
    ),
    (
        a_scale_of_either_way_is_guessed,
        partial(
            test_priority.test_a_scale_that_may_go_either_way_is_not_guessed,
            [{"title": "A", "priority": 5, "done": False}],
        ),
    ),
    (
        inactive_tasks_are_open,
        partial(
            test_progress.test_closed_archived_and_deleted_are_told_in_the_report,
            {"is_active": "0"},
            "done",
            (),
            "is_active 0 became done",
        ),
    ),
    (
        long_values_are_shown_whole,
        partial(
            test_messages.test_no_line_of_the_report_grows_with_a_value_of_the_file,
            {"title": "A", "priority": "9" * 400},
        ),
    ),
    (
        other_formats_are_not_known,
        partial(
            test_messages.test_a_file_that_is_no_json_is_named_by_what_it_seems_to_be, "title,done\n", "looks like CSV"
        ),
    ),
    (
        long_numbers_refuse_the_file,
        partial(
            test_refused_rows.test_what_is_no_json_anywhere_in_a_row_refuses_it,
            f'{{"title": "A", "x": {"9" * 5_000}}}',
            "a number of 5,000 digits is too large",
        ),
    ),
    (
        ids_are_labels,
        partial(test_texts_and_dates.test_an_id_is_never_a_label_however_it_is_written, test_texts_and_dates.ID),
    ),
]


@pytest.mark.parametrize(("plant", "check"), DEFECTS, ids=[plant.__name__ for plant, _ in DEFECTS])
def test_a_defect_in_reading_a_file_turns_its_test_red(
    plant: Callable[[pytest.MonkeyPatch], None], check: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    check()
    plant(monkeypatch)
    assert_check_fails(check)
