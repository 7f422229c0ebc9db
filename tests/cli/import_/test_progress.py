"""Done, deleted, column and label of imported rows, from the words and fields of many tools."""

from typing import Any

import pytest

from domain.column import Column
from tests.cli.import_.planned_import import plan


def progress(row: dict[str, Any], *columns: str) -> tuple[str, str | None, tuple[str, ...]]:
    """The state, column and labels of a row, on a board with these columns."""
    board = tuple(Column(name, name) for name in columns or ("To do", "In progress", "Done"))
    (task,) = plan([{"title": "A", **row}], columns=board).tasks.values()
    assert not (task.is_done and task.is_deleted)
    state = "trash" if task.is_deleted else "done" if task.is_done else "open"
    return f"{state}, archived" if task.is_archived else state, task.create.column, task.create.labels


@pytest.mark.parametrize(
    ("row", "state", "labels", "remark"),
    [
        ({"state": "CLOSED"}, "done", (), "state 'CLOSED' became done"),
        ({"status": "Resolved"}, "done", (), "status 'Resolved' became done"),
        ({"status": "erledigt"}, "done", (), "status 'erledigt' became done"),
        ({"closed": True}, "done", (), "closed true became done"),
        ({"archived": True, "done": False}, "open, archived", (), "archived true became a task in the archive"),
        ({"status": "archived"}, "done, archived", (), "status 'archived' became done, in the archive"),
        ({"archivedAt": "2026-01-01T00:00:00Z"}, "open, archived", (), "(a time) became a task in the archive"),
        ({"archived": True, "done": True}, "done, archived", (), "archived true became a task in the archive"),
        ({"archived": True, "deleted": True}, "trash, archived", (), "deleted true became a task in the trash"),
        ({"status": "Won't fix"}, "done", ("rejected",), 'status "Won\'t fix" became done'),
        ({"state": {"name": "Shipped!", "type": "completed"}}, "done", (), "state 'Shipped!' became done"),
        ({"completed_at": "2026-01-01T00:00:00Z"}, "done", (), "completed_at (a time) became done"),
        ({"percentComplete": 100}, "done", (), "percentComplete '100' became done"),
        ({"status": "tombstone"}, "trash", (), "status 'tombstone' became a task in the trash"),
        ({"status": "trash"}, "trash", (), "status 'trash' became a task in the trash"),
        ({"deleted": True}, "trash", (), "deleted true became a task in the trash"),
        ({"is_deleted": 1}, "trash", (), "is_deleted 1 became a task in the trash"),
        ({"deleted_at": "2026-01-01T00:00:00Z"}, "trash", (), "deleted_at (a time) became a task in the trash"),
        ({"is_active": "0"}, "done", (), "is_active 0 became done"),
        ({"is_active": False}, "done", (), "is_active false became done"),
        ({"isActive": "false"}, "done", (), "isActive false became done"),
        ({"closed": "1"}, "done", (), "closed 1 became done"),
        ({"closed": "true"}, "done", (), "closed true became done"),
        ({"archived": "yes"}, "open, archived", (), "archived yes became a task in the archive"),
        ({"deleted": "True"}, "trash", (), "deleted true became a task in the trash"),
        ({"percentComplete": "100%"}, "done", (), "percentComplete '100%' became done"),
        ({"status": "waitingOnOthers"}, "open", ("waiting",), "became open, with the label 'waiting'"),
    ],
)
def test_closed_archived_and_deleted_are_told_in_the_report(
    row: dict[str, Any], state: str, labels: tuple[str, ...], remark: str
) -> None:
    assert progress(row) == (state, None, labels)
    assert remark in plan([{"title": "A", **row}]).report


@pytest.mark.parametrize(
    "row",
    [
        {"state": "open", "closed": False, "archived": False, "deleted": None},
        {"status": "pending", "completed_at": None},
        {"completed": "0001-01-01T00:00:00Z"},
        {"done": False, "done_at": "0001-01-01T00:00:00Z", "deleted_at": "0001-01-01T00:00:00Z"},
        {"state": "0b1f2f0e-1111-4222-8333-944455556666"},
        {"status": "needsAction"},
        {"is_active": "1"},
        {"is_active": 1, "closed": "0", "archived": "false", "deleted": "no"},
        {"done": "0"},
        {"done": "f", "status": "0"},
        {"percentComplete": "0"},
    ],
)
def test_what_is_not_done_yet_stays_open_without_a_remark(row: dict[str, Any]) -> None:
    assert progress(row) == ("open", None, ())
    assert not plan([{"title": "A", **row}]).remarks


@pytest.mark.parametrize(
    ("status", "columns", "column"),
    [
        ("in progress", ("Backlog", "Doing", "Done"), "Doing"),
        ("in progress", ("Offen", "In Bearbeitung", "Erledigt"), "In Bearbeitung"),
        ("in_progress", ("Ожидание", "Выполняется", "Готово"), "Выполняется"),
        ("inProgress", ("To do", "🚧 WIP (max. 3)", "Done"), "🚧 WIP (max. 3)"),
        ("En cours", ("To do", "In progress", "Done"), "In progress"),
        ("started", ("To do", "Started", "In progress"), "Started"),
        ("QA", ("To do", "qa", "Done"), "qa"),
        ("todo", ("Backlog", "To-do", "Doing"), "To-do"),
        ("review", ("To do", "Doing", "Code review"), "Code review"),
        ("blocked", ("To do", "Blocked"), "Blocked"),
        ({"name": "Coding", "type": "started"}, ("To do", "Doing"), "Doing"),
    ],
)
def test_a_status_finds_a_column_by_name_or_meaning(status: object, columns: tuple[str, ...], column: str) -> None:
    assert progress({"status": status}, *columns) == ("open", column, ())


@pytest.mark.parametrize("yes", [True, 1, 1.0, "1", "true", "TRUE", "yes", "y", "x", "on", "Да"])
@pytest.mark.parametrize("field", ["done", "completed", "isDone", "checked"])
def test_yes_is_done_however_it_is_written(field: str, yes: object) -> None:
    assert progress({field: yes}) == ("done", None, ())


@pytest.mark.parametrize("no", [False, 0, "0", "false", "No", "n", "off", "нет", "", None])
@pytest.mark.parametrize("field", ["done", "completed", "isDone", "checked", "closed", "archived", "deleted"])
def test_no_is_open_however_it_is_written(field: str, no: object) -> None:
    assert progress({field: no}) == ("open", None, ())


def test_a_status_of_one_or_zero_is_yes_or_no() -> None:
    assert progress({"status": "1"}) == progress({"status": 1}) == ("done", None, ())
    assert progress({"status": "0"}) == progress({"status": 0}) == ("open", None, ())


def test_progress_on_a_board_without_such_a_column_becomes_a_label() -> None:
    assert progress({"status": "in progress"}, "Ideas", "Shipped") == ("open", None, ("in progress",))
    assert progress({"status": "in review"}, "To do", "Doing") == ("open", "Doing", ("review",))
    assert progress({"status": "odd"}) == ("open", None, ("odd",))


def test_a_list_with_the_name_of_a_state_says_it_of_its_tasks() -> None:
    lists = {
        "todo": [{"title": "A"}],
        "In progress": [{"title": "B"}, {"title": "C", "status": "open"}],
        "finished": [{"title": "D"}],
        "Development": [{"title": "E"}],
    }
    planned = plan(lists)
    found = {title: (task.is_done, task.create.column) for title, task in planned.tasks.items()}
    assert found == {
        "A": (False, "todo"),
        "B": (False, "doing"),
        "C": (False, None),
        "D": (True, None),
        "E": (False, None),
    }
    assert "1 x list 'finished' became done" in planned.report


def test_tasks_of_an_archived_or_deleted_list_are_so_too() -> None:
    projects = [
        {"title": "Old", "is_archived": True, "tasks": [{"title": "A", "done": False}]},
        {"title": "Gone", "deleted": True, "tasks": [{"title": "B"}]},
        {"title": "Now", "is_archived": False, "tasks": [{"title": "C"}]},
    ]
    planned = plan(projects)
    found = {title: (task.is_archived, task.is_deleted, task.create.labels) for title, task in planned.tasks.items()}
    assert found == {
        "A": (True, False, ("Old",)),
        "B": (False, True, ("Gone",)),
        "C": (False, False, ("Now",)),
    }
    assert "1 x list archived became a task in the archive" in planned.report


def test_a_column_that_the_row_names_wins_over_its_status() -> None:
    assert progress({"status": "open", "column": "in progress"}) == ("open", "In progress", ())
    planned = plan([{"title": "A", "column": "nowhere"}])
    assert planned.tasks["A"].create.column is None
    assert planned.ignored_fields == {"column": 1}


def test_fields_that_contradict_each_other_refuse_the_row() -> None:
    (refused,) = plan([{"title": "A", "status": "done", "completed": False}]).refused
    assert "status and completed contradict each other" in refused.reason
    assert progress({"status": "active", "completed": True}) == ("done", None, ())
    assert progress({"status": "cancelled", "completed": False}) == ("done", None, ("cancelled",))


def test_the_report_counts_deleted_tasks_apart() -> None:
    report = plan([{"title": "A"}, {"title": "B", "deleted": True}, {"title": "C", "status": "tombstone"}]).report
    assert "1 created, 0 already there, 0 refused" in report
    assert "went to the trash: 2." in report
