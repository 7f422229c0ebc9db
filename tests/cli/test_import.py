"""`taskledger import` on a real log: nothing is dropped silently, and importing a file again changes nothing."""

import asyncio
import gzip
import io
import json
import shutil
import subprocess
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from cli.import_ import importer
from cli.import_.board_columns import BoardColumns
from cli.import_.file_reader import read_text
from cli.import_.mapping import ImportProject, MappedTask, RefusedRow, map_rows
from cli.import_.parsing import parse_json
from cli.import_.priority import recognize_scale
from cli.import_.task_lists import find_rows
from commands.handling.append import Append, AppendResult
from commands.handling.loader import StateKey
from commands.handling.stream_cache import StreamState
from commands.task import CreateTask
from domain.column import DEFAULT_COLUMNS, Column
from domain.task import TaskTrashed
from infra import log
from infra.database.connections import connect
from infra.errors import OperatorError
from infra.log.event_log import EventLog
from infra.settings import Settings
from projections.fingerprint import fold_history
from projections.task_list import TaskRow, projection
from tests.cli.conftest import DEMO_EVENTS, RunCli
from tests.examples import PROJECT
from tests.planted_defects import assert_check_fails
from tests.projections import oracle
from tests.store.wip_limits import running_worker

pytestmark = pytest.mark.slow

REAL_DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
REAL_LISTS = REAL_DATA / "simple-json"
IMPORTER_EMAIL = "demo@example.com"
Import = Callable[..., Any]


@pytest.fixture
def run_import(run_cli: RunCli, tmp_path: Path, settings: Settings) -> Iterator[Import]:
    """Imports content or a file into the demo project, which has one limited column."""
    assert run_cli("demo").exit_code == 0
    with connect(settings.database_url) as connection:
        oracle.catch_up(connection)

    def run(content: object, *more: str, name: str = "list.json") -> Any:
        file = content if isinstance(content, Path) else tmp_path / name
        if not isinstance(content, Path):
            file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return run_cli("import", str(file), "--workspace", "Demo", "--project", "FEST", "--as", IMPORTER_EMAIL, *more)

    with running_worker(settings, 0.2):
        yield run


def tasks_by_title(settings: Settings) -> dict[str, TaskRow]:
    """The imported tasks, by title."""
    with connect(settings.database_url) as connection:
        history = list(log.iter_events(connection, log.EventSelection(DEMO_EVENTS)))
        found = fold_history(projection, history)
    return {row.title: row for row in found.values()}


def imported_tasks(settings: Settings) -> list[TaskRow]:
    """The imported tasks, outside the trash."""
    with connect(settings.database_url) as connection:
        history = list(log.iter_events(connection, log.EventSelection(DEMO_EVENTS)))
    return list(fold_history(projection, history).values())


def test_common_synonyms_become_fields(run_import: Import, settings: Settings) -> None:
    result = run_import(
        [
            {"title": "A", "completed": True, "description": "why", "deadline": "2026-12-01", "priority": "HIGH"},
            {"name": "B", "status": "in progress", "tags": ["x", "y"], "due": "2026-12-01T10:00:00Z"},
            {"text": "C", "done": False, "labels": "x, z"},
            {"task": "Молоко\u2028", "status": False},
            {"task": "Молоко", "status": True},
        ]
    )
    found = tasks_by_title(settings)
    a, b, c, milk = (found[title] for title in ("A", "B", "C", "Молоко"))
    assert (a.status, a.description, a.due, a.priority) == ("done", "why", "2026-12-01", "high")
    assert (b.status, b.column, b.labels, b.due) == ("open", "doing", ("x", "y"), "2026-12-01T10:00:00+00:00")
    assert (c.status, c.labels, milk.status) == ("open", ("x", "z"), "done")
    assert "4 created, 0 already there, 1 refused" in result.output
    assert "[3]: title: character 7 is U+2028" in result.output
    assert result.exit_code == 1


def test_a_full_column_is_mentioned(run_import: Import) -> None:
    result = run_import([{"title": str(at), "status": "in progress"} for at in range(4)])
    assert "4 created" in result.output
    assert "2 x put in a column that is over its limit" in result.output


def test_an_uncounted_column_without_a_worker_stops_the_import(
    run_cli: RunCli, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.column_counter.CATCH_UP_TIMEOUT_S", 0.01)
    monkeypatch.setattr("cli.import_.importer.STANDSTILL_S", 0.1)
    run_cli("demo")
    with connect(settings.database_url) as connection:
        oracle.catch_up(connection)
    file = tmp_path / "list.json"
    file.write_text('[{"title": "A"}, {"title": "B", "status": "in progress"}]')
    result = run_cli("import", str(file), "--workspace", "Demo", "--project", "FEST", "--as", IMPORTER_EMAIL)
    assert isinstance(result.exception, OperatorError)
    assert "no worker" in str(result.exception)
    assert "1 created" in result.output


def test_an_import_waits_for_a_worker_that_is_behind_to_count_a_column(
    run_import: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.column_counter.CATCH_UP_TIMEOUT_S", 0.02)  # the worker needs longer for 1,000 rows
    rows = [{"title": f"Row {at}"} for at in range(1_000)]
    result = run_import([*rows, {"title": "A", "status": "in progress"}])
    assert "1001 created, 0 already there, 0 refused" in result.output


def test_a_file_imported_twice_changes_nothing(run_import: Import, settings: Settings) -> None:
    content = [{"id": 1, "title": "A", "done": True}, {"title": "A"}, {"title": "A"}, {"id": 2, "title": "A"}]
    assert "4 created, 0 already there" in run_import(content).output
    before = event_count(settings)
    again = run_import(content)
    assert "0 created, 4 already there, 0 refused" in again.output
    assert again.exit_code == 0
    assert event_count(settings) == before


def test_rows_with_one_list_id_and_title_are_one_task(run_import: Import, settings: Settings) -> None:
    content = [{"id": 1, "title": "A"}, {"id": 1, "title": "A"}, {"id": 1, "title": "A", "done": True}]
    for created, there in ((1, 0), (0, 1)):
        output = run_import(content).output
        assert f"{created} created, {there} already there, 0 refused" in output
        assert "id and title of an earlier row, which became no second task: 2." in output
        assert "Of these, with other values, of which the first were kept: 1." in output
    assert tasks_by_title(settings)["A"].status == "open"


def test_a_dry_run_says_what_an_import_would_do_and_does_nothing(run_import: Import, settings: Settings) -> None:
    run_import([{"id": 1, "title": "A"}])
    before = event_count(settings)
    content = [{"id": 1, "title": "A"}, {"title": "B", "done": True}, {"title": " "}, {"title": "C", "mood": "good"}]
    dry = run_import(content, "--dry-run")
    assert "2 would be created, 1 already there, 1 would be refused.\nDry run: nothing was written." in dry.output
    assert "1 x mood" in dry.output
    assert dry.exit_code == 1
    assert event_count(settings) == before
    real = run_import(content)
    assert "2 created, 1 already there, 1 refused" in real.output
    assert dry.output.splitlines()[3:] == real.output.splitlines()[2:]
    assert "Would be created as done: 1." in dry.output
    assert "Created as done: 1." in real.output


def test_a_file_changed_since_its_import_is_reported(run_import: Import, settings: Settings) -> None:
    run_import([{"id": 1, "title": "A"}, {"id": 2, "title": "B"}, {"id": 3, "title": "C"}])
    again = [
        {"id": 1, "title": "A", "done": True},
        {"id": 2, "title": "B", "due": "2026-12-05"},
        {"id": 3, "title": "C"},
    ]
    result = run_import(again).output
    assert "0 created, 3 already there" in result
    assert "differ from the file, left unchanged: 2." in result
    assert tasks_by_title(settings)["B"].due is None


def test_labels_that_differ_in_case_are_one_label_on_every_import(run_import: Import, settings: Settings) -> None:
    content = [{"id": 1, "title": "A", "tags": ["Urgent", "urgent"], "labels": "URGENT, shop"}]
    assert "1 created" in run_import(content).output
    assert tasks_by_title(settings)["A"].labels == ("Urgent", "shop")
    for tags in (["Urgent", "urgent", "shop"], ["shop", "urgent"]):
        result = run_import([{"id": 1, "title": "A", "tags": tags}]).output
        assert "0 created, 1 already there" in result
        assert "differ" not in result
    assert "differ from the file, left unchanged: 1." in run_import([{"id": 1, "title": "A", "tags": ["shop"]}]).output


def test_lists_by_their_names_become_labels(run_import: Import, settings: Settings) -> None:
    result = run_import({"todo": [{"title": "A"}], "finished": [{"title": "B"}], "colour": "red"})
    assert "2 created" in result.output
    assert "1 x colour" in result.output
    found = tasks_by_title(settings)
    assert (found["A"].labels, found["B"].labels) == (("todo",), ("finished",))


def test_empty_texts_set_no_field(run_import: Import, settings: Settings) -> None:
    assert "1 created" in run_import([{"title": "A", "due": "", "status": "", "priority": ""}]).output
    assert (tasks_by_title(settings)["A"].due, tasks_by_title(settings)["A"].status) == (None, "open")


def test_rows_with_equal_ids_and_other_titles_are_other_tasks(run_import: Import) -> None:
    assert "1 created" in run_import([{"id": 1, "title": "A"}]).output
    assert "1 created" in run_import([{"id": 1, "title": "B"}]).output


def test_tasks_that_were_edited_since_are_left_alone(run_import: Import, settings: Settings) -> None:
    run_import([{"id": 1, "title": "A"}])
    result = run_import([{"id": 1, "title": "A", "done": True}])
    assert "0 created, 1 already there" in result.output
    assert tasks_by_title(settings)["A"].status == "open"


def test_imported_events_name_the_importer_as_actor(run_import: Import, settings: Settings) -> None:
    run_import([{"title": "A"}])
    with connect(settings.database_url) as connection:
        last = log.load_after(connection, DEMO_EVENTS, 100)[-1]
    assert (last.actor.kind, last.version) == ("import", 1)


def test_unknown_fields_are_counted_and_not_dropped_silently(run_import: Import) -> None:
    result = run_import([{"title": "A", "mood": "good"}, {"title": "B", "mood": "bad", "empty": None}]).output
    assert "2 x mood" in result
    assert "empty" not in result


def test_gzip_is_recognized_by_content(run_import: Import) -> None:
    assert "1 created" in run_import(gzip.compress(b'[{"title": "A"}]'), name="list.txt").output


def test_json_lines_end_at_the_line_feed_only(run_import: Import, settings: Settings) -> None:
    result = run_import('{"title":"A","description":"one\u2028two"}\n{"title":"B"}\n{"title":\n'.encode())
    assert "2 created, 0 already there, 1 refused" in result.output
    assert "line 3: not JSON" in result.output
    assert tasks_by_title(settings)["A"].description == "one\u2028two"


def test_sub_tasks_are_below_their_parents(run_import: Import, settings: Settings) -> None:
    tagged = {"home": {"tasks": [{"id": 1, "title": "Party", "done": True, "subtasks": [{"title": "Cake"}] * 2}]}}
    result = run_import(tagged).output
    assert "3 created" in result
    assert "Created below their parents: 2." in result
    found = tasks_by_title(settings)
    cake, party = found["Cake"], found["Party"]
    assert (cake.parent_id, cake.description, cake.labels) == (party.id, "", ("home",))
    assert (cake.status, party.status) == ("open", "done")
    again = run_import(tagged).output
    assert "0 created, 3 already there" in again
    assert "differ" not in again


def test_a_deep_flat_list_is_imported_below_its_parents_in_one_go(run_import: Import, settings: Settings) -> None:
    rows = [{"id": at, "title": str(at), "parent_id": at // 3 if at else None} for at in range(600, -1, -1)]
    rows[-1]["parent_id"] = None
    assert "601 created, 0 already there, 0 refused" in run_import(rows).output
    found = tasks_by_title(settings)
    assert all(found[str(at)].parent_id == (found[str(at // 3)].id if at else None) for at in range(601))


def a_sub_task_whose_parent_a_rule_refuses_becomes_a_task_of_its_own(run_import: Import, settings: Settings) -> None:
    content = [{"title": "P", "column": "none", "subtasks": [{"title": "C", "subtasks": [{"title": "G"}]}]}]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cli.import_.board_columns.BoardColumns.find_named", lambda *_: Column("gone", "Gone"))
        outputs = [run_import(content, *more).output for more in (["--dry-run"], [])]
    for output in outputs:
        assert "1 would be refused" in output or "1 refused" in output
        assert "of their own: 1; their descriptions name it." in output
        assert "below their parents: 1." in output
    found = tasks_by_title(settings)
    assert set(found) == {"C", "G"}
    assert (found["C"].parent_id, found["C"].description, found["G"].parent_id) == (None, "Part of: P", found["C"].id)


def test_a_sub_task_whose_parent_a_rule_refuses_becomes_a_task_of_its_own(
    run_import: Import, settings: Settings
) -> None:
    a_sub_task_whose_parent_a_rule_refuses_becomes_a_task_of_its_own(run_import, settings)


def test_a_sub_task_that_is_refused_with_its_parent_is_noticed(
    run_import: Import, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "PARENT_REFUSALS", ())
    assert_check_fails(lambda: a_sub_task_whose_parent_a_rule_refuses_becomes_a_task_of_its_own(run_import, settings))


def sub_tasks_that_are_decided_before_their_parents_find_them(run_import: Import, settings: Settings) -> None:
    send = importer._send  # noqa: SLF001 - the order belongs in this function

    async def reversed_send(instance: Any, tasks: Sequence[MappedTask], *more: Any) -> Any:
        results = [(await send(instance, [task], *more))[0] for task in tasks[::-1]]
        return results[::-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importer, "_send", reversed_send)
        nested = {"title": "B", "subtasks": [{"title": "C", "subtasks": [{"title": "D"}]}]}
        assert "5 created" in run_import([{"title": "first"}, {"title": "A", "subtasks": [nested]}]).output
    found = tasks_by_title(settings)
    assert [found[title].parent_id for title in "BCD"] == [found[title].id for title in "ABC"]


def test_sub_tasks_that_are_decided_before_their_parents_find_them(run_import: Import, settings: Settings) -> None:
    sub_tasks_that_are_decided_before_their_parents_find_them(run_import, settings)


def test_a_late_parent_that_is_not_waited_for_is_noticed(
    run_import: Import, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def without(instance: Any, task: MappedTask, *more: Any) -> Any:
        return (await importer._send(instance, [task.without_parent()], *more))[0]  # noqa: SLF001 - as above

    monkeypatch.setattr(importer, "_send_again", without)
    assert_check_fails(lambda: sub_tasks_that_are_decided_before_their_parents_find_them(run_import, settings))


def test_a_sub_task_of_a_task_that_went_to_the_trash_since_becomes_a_task_of_its_own(
    run_import: Import, settings: Settings
) -> None:
    parent: dict[str, Any] = {"id": 1, "title": "P"}
    run_import([{**parent, "deleted": True}])
    content = [{**parent, "subtasks": [{"title": "C"}]}]
    for more in (["--dry-run"], []):
        output = run_import(content, *more).output
        assert "of their own: 1; their descriptions name it." in output
    assert tasks_by_title(settings)["C"].description == "Part of: P"
    assert "0 created, 2 already there" in run_import(content).output


def test_a_dry_run_counts_sub_tasks_as_an_import_does(run_import: Import) -> None:
    run_import([{"id": 1, "title": "P"}])
    content = [
        {"id": 1, "title": "P", "subtasks": [{"title": "C", "subtasks": [{"title": "G"}]}]},
        {"title": "", "subtasks": [{"title": "O"}]},
    ]
    dry, real = run_import(content, "--dry-run").output, run_import(content).output
    assert "Would be created below their parents: 2." in dry
    assert "Created below their parents: 2." in real
    assert dry.splitlines()[-1] == real.splitlines()[-1]


def test_start_estimate_and_checklist_come_along(run_import: Import, settings: Settings) -> None:
    checklist = [{"text": "One"}, {"text": "Two", "done": True}]
    content = [{"id": 1, "title": "A", "start": "2026-11-01", "estimate": "1h 30m", "checklist": checklist}]
    run_import(content)
    found = tasks_by_title(settings)["A"]
    assert (found.start, found.estimate) == ("2026-11-01", 90)
    assert [(item.text, item.done) for item in found.checklist] == [("One", False), ("Two", True)]
    assert "differ" not in run_import(content).output
    for other in ({"start": "2026-11-02"}, {"estimate": 91}, {"checklist": checklist[:1]}):
        assert "differ from the file, left unchanged: 1." in run_import([{**content[0], **other}]).output


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "title: null, not text"),
        ([], "a list, not an object"),
        ("milk", "text, not an object"),
        ({"title": "   "}, "title: blank"),
        ({"title": "\u3164\u200b"}, "title: blank"),
        ({"title": "a\u0000b"}, "title: character 2 is U+0000"),
        ({"title": "\u001b[31mred"}, "title: character 1 is U+001B"),
        ({"title": "x" * 501}, "title: 501 characters, at most 500"),
        ({"title": 7}, "title: a number, not text"),
        ({"title": "A", "due": "2026-02-30"}, "due: '2026-02-30': must be a day in the calendar"),
        ({"title": "A", "due": "0000-01-01"}, "due: '0000-01-01': must be a day in the calendar"),
        ({"title": "A", "due": "tomorrow"}, "due: 'tomorrow' is not YYYY-MM-DD"),
        ({"title": "A", "status": "done", "completed": False}, "contradict each other"),
        ({"title": "A", "description": "x" * 50_001}, "description: 50,001 characters, at most 50,000"),
        ({"title": "A", "labels": 7}, "labels: a number, not a list of labels"),
    ],
)
def test_a_malformed_row_is_refused_with_its_reason(row: object, reason: str) -> None:
    (only,) = map_rows(find_rows([row], "list").rows, ImportProject(PROJECT))
    assert isinstance(only, RefusedRow)
    assert only.location == "[0]"
    assert reason in only.reason


def test_valid_rows_are_imported_beside_malformed_ones(run_import: Import, settings: Settings) -> None:
    result = run_import([{"title": "A"}, {"title": " "}, {"title": "B"}])
    assert "2 created, 0 already there, 1 refused" in result.output
    assert set(tasks_by_title(settings)) == {"A", "B"}


def test_a_time_without_a_zone_keeps_its_date_and_says_so(run_import: Import, settings: Settings) -> None:
    result = run_import([{"title": "A", "due": "2026-12-01T10:00:00"}]).output
    assert tasks_by_title(settings)["A"].due == "2026-12-01"
    assert "has a time without a zone" in result


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.json"), text)
    return content.getvalue()


ZIP, EMPTY_ZIP = zipped(tasks='[{"title": "Milk"}]'), zipped()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"{", "is not JSON: "),
        (b'[{"title": NaN', "is not JSON: "),
        (b"7", "holds a number, not a task list"),
        (b'"milk"', "holds text, not a task list"),
        (b"null", "holds null, not a task list"),
        (b"{}", "has no list of tasks"),
        ('[{"title":"A"}]'.encode("utf-16"), "is UTF-16"),
        (b'[{"title":"\xff"}]', "is not UTF-8: line 1"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"\x1f\x8b\x08\x00broken", "is gzip, but damaged"),
        (ZIP, "is a zip archive: unpack it, and import the JSON file with the tasks in it."),
        (ZIP[:-30], "is a zip archive, but damaged: export or download it again."),
        (ZIP[:20], "is a zip archive, but damaged: "),
        (ZIP[2:], "is a zip archive, but damaged: "),
        (ZIP.replace(b"Milk", b"Silk"), "is a zip archive, but damaged: "),
        (EMPTY_ZIP, "is a zip archive without a file in it."),
    ],
)
def test_a_file_that_is_no_task_list_gets_one_line(run_import: Import, content: bytes, line: str) -> None:
    result = run_import(content)
    assert isinstance(result.exception, OperatorError)
    assert line in str(result.exception)
    assert "\n" not in str(result.exception)


def test_a_byte_order_mark_is_no_part_of_the_list(run_import: Import) -> None:
    assert "1 created" in run_import(b'\xef\xbb\xbf[{"title":"A"}]').output


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "bomb.gz"
    file.write_bytes(gzip.compress(b" " * 5_000_000))
    with pytest.raises(OperatorError, match="holds more than 1,000,000 bytes"):
        read_text(file, max_bytes=1_000_000)


def test_a_zip_archive_is_named_before_its_size(tmp_path: Path) -> None:
    file = tmp_path / "export.zip"
    file.write_bytes(zipped(tasks="x" * 2_000))
    with pytest.raises(OperatorError, match="is a zip archive: unpack it"):
        read_text(file, max_bytes=1_000)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--workspace", "Nowhere", "--project", "FEST", "--as", IMPORTER_EMAIL], "no workspace named 'Nowhere'"),
        (["--workspace", str(PROJECT), "--project", "FEST", "--as", IMPORTER_EMAIL], "is not a member of workspace"),
        (["--workspace", "Demo", "--project", "NONE", "--as", IMPORTER_EMAIL], "no project with the key NONE"),
        (["--workspace", "Demo", "--project", "FEST", "--as", "x@y.z"], "No user is registered as x@y.z"),
    ],
)
def test_an_unknown_import_target_is_named(
    run_import: Import, run_cli: RunCli, tmp_path: Path, words: list[str], line: str
) -> None:
    del run_import
    file = tmp_path / "list.json"
    file.write_text('[{"title":"A"}]')
    assert line in str(run_cli("import", str(file), *words).exception)


def test_a_file_that_is_not_there_is_named(run_import: Import, tmp_path: Path) -> None:
    assert "No such file" in str(run_import(tmp_path / "none.json").exception)
    assert "directory" in str(run_import(tmp_path).exception)


FIELD_NAMES = [
    *("title", "name", "status", "done", "due", "priority", "labels", "tasks", "subtasks", "id", "state", "archived"),
    *("deleted", "dueDateTime", "dateTime", "timeZone", "body", "content", "contentType", "items", "data", "nodes"),
    *("node", "issues", "fields", "column", "importance", "completed_at", "lists", "cards", "priorityLabel", "type"),
    *("children", "parent_id", "parent", "start", "estimate", "checklist", "checklists", "text"),
]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["done", "trash", "in progress", "0001-01-01", "2026-12-01T10:00:00", "html", "<p>", "P1"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(FIELD_NAMES) | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@tuned(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(json_values)
def test_every_row_of_any_file_is_a_task_or_refused(value: object) -> None:
    try:
        found = find_rows(parse_json(json.dumps(value), "file"), "file")
    except OperatorError:
        return
    ids: set[UUID] = set()
    project = ImportProject(PROJECT, BoardColumns(DEFAULT_COLUMNS), recognize_scale(found.rows))
    for task in map_rows(found.rows, project):
        if isinstance(task, MappedTask):
            assert task.id.version == 8
            assert task.id not in ids
            ids.add(task.id)
            assert msgspec.convert(msgspec.to_builtins(task.create), CreateTask) == task.create
    assert [msgspec.json.encode(task) for task in map_rows(found.rows, project)] == [
        msgspec.json.encode(task) for task in map_rows(found.rows, project)
    ]


def top_tasks_in(path: Path) -> list[dict[str, Any]]:
    document = json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
    return document if isinstance(document, list) else [task for tag in document.values() for task in tag["tasks"]]


def tree_in(path: Path) -> Counter[tuple[str | None, str]]:
    """The titles of parent and task, of each task of a real list, read without the importer."""
    top = top_tasks_in(path)
    nested = ((task, each) for task in top for each in task.get("subtasks") or ())
    return Counter(
        [*((None, task["title"]) for task in top), *((task["title"], each["title"]) for task, each in nested)]
    )


def counts_in(path: Path) -> tuple[int, int]:
    """How many tasks and sub-tasks a real list has, and how many of them are done, counted without the importer."""
    top = top_tasks_in(path)
    tasks = [each for task in top for each in (task, *(task.get("subtasks") or ()))]
    return len(tasks), sum(task.get("completed", task.get("status")) in (True, "done", "cancelled") for task in tasks)


@pytest.mark.parametrize("name", ["jsonplaceholder-todos.json", "ru-todos-anmfan.json", "taskmaster-tasks.json.gz"])
def test_real_lists_are_imported_completely_and_only_once(run_import: Import, settings: Settings, name: str) -> None:
    if not REAL_LISTS.exists():
        pytest.skip("the real lists are not beside this checkout")
    created, done = counts_in(REAL_LISTS / name)
    output = run_import(REAL_LISTS / name).output
    assert f"{created} created, 0 already there, 0 refused" in output
    assert f"Created as done: {done}." in output
    imported = imported_tasks(settings)
    statuses = Counter(row.status for row in imported)
    assert (statuses.total(), statuses["done"]) == (created, done)
    titles = {row.id: row.title for row in imported}
    tree = Counter((titles[row.parent_id] if row.parent_id else None, row.title) for row in imported)
    assert tree == tree_in(REAL_LISTS / name)
    before = event_count(settings)
    again = run_import(REAL_LISTS / name).output
    assert f"0 created, {created} already there, 0 refused" in again
    assert "differ" not in again
    assert event_count(settings) == before


@pytest.mark.parametrize("name", ["amirite.json", "tapmovies.json", "nextcloud-deck-fixture.json"])
def test_a_real_board_without_its_format_makes_no_tasks(run_import: Import, settings: Settings, name: str) -> None:
    if not REAL_DATA.exists():
        pytest.skip("the real boards are not beside this checkout")
    before = event_count(settings)
    result = run_import(REAL_DATA / "trello" / name)
    assert "is an export of a Trello board: --format trello makes a new project of it" in str(result.exception)
    assert event_count(settings) == before


def test_the_cards_of_a_real_board_come_in_as_the_refusal_advises(
    run_import: Import, settings: Settings, tmp_path: Path
) -> None:
    if not (REAL_DATA.exists() and shutil.which("jq")):
        pytest.skip("the real boards are not beside this checkout, or jq is not installed")
    board = json.loads((REAL_DATA / "trello" / "amirite.json").read_bytes())
    cards = board["cards"]
    advice = str(run_import(board, name="board.json").exception)
    subprocess.run(advice.split("`")[1], shell=True, check=True, cwd=tmp_path)  # noqa: S602 - as an operator would
    assert f"{len(cards)} created, 0 already there, 0 refused" in run_import(tmp_path / "cards.json").output
    titles = {card["id"]: card["name"] for card in cards}
    items = Counter(
        (titles[each["idCard"]], item["name"].strip(), item["state"] == "complete")
        for each in board["checklists"]
        for item in each["checkItems"]
        if each["idCard"] in titles
    )
    assert items == Counter(
        (row.title, item.text, item.done) for row in imported_tasks(settings) for item in row.checklist
    )
    assert items
    done = sum(row.status == "done" for row in imported_tasks(settings))
    assert done == sum(card["closed"] or card["dueComplete"] for card in cards)


def rows_are_handled_in_groups_and_the_second_time_only_looked_up(run_import: Import) -> None:
    appends, lookups = list[int](), list[int]()
    append, load_states = EventLog.append, EventLog.load_states

    async def counted(self: EventLog, given: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        appends.append(len(given))
        return await append(self, given)

    async def counted_lookup(self: EventLog, keys: Sequence[StateKey]) -> list[StreamState]:
        lookups.append(len(keys))
        return await load_states(self, keys)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventLog, "append", counted)
        patch.setattr(EventLog, "load_states", counted_lookup)
        content = [{"id": at, "title": f"Row {at}"} for at in range(700)]
        assert "700 created" in run_import(content).output
        assert len(appends) < 20
        appends.clear()
        lookups.clear()
        assert "0 created, 700 already there" in run_import(content).output
        assert "0 would be created, 700 already there" in run_import(content, "--dry-run").output
        assert appends == []
        assert len(lookups) < 20


def test_rows_are_handled_in_groups_and_the_second_time_only_looked_up(run_import: Import) -> None:
    rows_are_handled_in_groups_and_the_second_time_only_looked_up(run_import)


@pytest.mark.parametrize("name", ["_create", "_load_existing"])
def test_rows_that_are_handled_one_by_one_are_noticed(
    run_import: Import, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    original = getattr(importer, name)

    async def one_by_one(instance: Any, tasks: Sequence[Any], *more: Any) -> Any:
        parts = [await original(instance, [task], *more) for task in tasks]
        return [one for part in parts for one in part] if more else {k: v for part in parts for k, v in part.items()}

    monkeypatch.setattr(importer, name, one_by_one)
    assert_check_fails(lambda: rows_are_handled_in_groups_and_the_second_time_only_looked_up(run_import))


def test_rows_are_mapped_while_those_before_them_are_appended(
    run_import: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped_ahead, append = asyncio.Event(), EventLog.append

    def counted(*arguments: Any) -> Iterator[object]:
        for number, row in enumerate(map_rows(*arguments), 1):
            if number > importer.MAX_CHUNK_ROWS:
                mapped_ahead.set()
            yield row

    async def waiting(self: EventLog, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        await asyncio.wait_for(mapped_ahead.wait(), 1)
        return await append(self, appends)

    monkeypatch.setattr("cli.import_.map_rows", counted)
    monkeypatch.setattr(EventLog, "append", waiting)
    monkeypatch.setattr(importer, "MAX_CHUNK_ROWS", 32)
    assert "100 created, 0 already there, 0 refused" in run_import([{"title": f"Row {at}"} for at in range(100)]).output


def test_rows_keep_their_order_as_task_numbers(run_import: Import, settings: Settings) -> None:
    run_import([{"title": f"Row {at}"} for at in range(300)])
    rows = sorted(imported_tasks(settings), key=lambda row: int(row.key.removeprefix("FEST-")))
    assert [row.title for row in rows] == [f"Row {at}" for at in range(300)]


def test_deleted_tasks_go_to_the_trash_once(run_import: Import, settings: Settings) -> None:
    content = [{"title": "A", "status": "tombstone"}, {"title": "B", "done": True, "is_deleted": True}, {"title": "C"}]
    assert "1 created, 0 already there, 0 refused" in run_import(content).output
    before = event_count(settings)
    again = run_import(content).output
    assert "0 created, 3 already there" in again
    assert "differ" not in again
    assert event_count(settings) == before
    with connect(settings.database_url) as connection:
        history = log.load_after(connection, DEMO_EVENTS, 1_000)
    assert sum(isinstance(one.event, TaskTrashed) for one in history) == 2


def test_archived_tasks_go_to_the_archive_once(run_import: Import, settings: Settings) -> None:
    sub_task = {"title": "C", "archived": True}
    content = [
        {"title": "A", "archived": True, "comments": ["One"], "subtasks": [{"title": "B"}]},
        {"title": "D", "done": True, "is_archived": True, "is_deleted": True},
        {"title": "P", "subtasks": [sub_task]},
    ]
    dry, output = run_import(content, "--dry-run").output, run_import(content).output
    assert "4 would be created, 0 already there, 0 would be refused" in dry
    assert "4 created, 0 already there, 0 refused" in output
    assert "Would be created in the archive: 2." in dry
    assert "Created in the archive: 2." in output
    found = tasks_by_title(settings)
    assert {title for title, task in found.items() if task.archived} == {"A", "C", "D"}
    assert found["D"].trashed
    assert (found["A"].status, found["B"].parent_id, found["C"].parent_id) == ("open", None, found["P"].id)
    again = run_import(content).output
    assert "0 created, 5 already there" in again
    assert "differ" not in again


def test_the_scale_of_priorities_may_be_given(run_import: Import, settings: Settings) -> None:
    output = run_import(
        [{"title": "A", "priority": 5}, {"title": "B", "priority": 1}], "--priority-scale", "5-1"
    ).output
    assert "5 is the most urgent" in output
    found = tasks_by_title(settings)
    assert (found["A"].priority, found["B"].priority) == ("urgent", "low")
    wrong = run_import([{"title": "A"}], "--priority-scale", "high")
    assert "Invalid value for '--priority-scale': say 0-4 or 5-1" in wrong.output
    twice = run_import([{"title": "A"}], "--priority-scale", "1=high,1=low")
    assert "Invalid value for '--priority-scale': 1 is given twice" in twice.output


def test_refusals_are_told_in_short_or_all(run_import: Import) -> None:
    content = [{"title": ""}] * 7
    assert "7 x title: blank: [0], [1], [2], [3], [4] and 2 more (--all lists them)" in run_import(content).output
    assert "  [6]: title: blank\n" in run_import(content, "--all").output


def event_count(settings: Settings) -> int:
    with connect(settings.database_url) as connection:
        return log.head(connection)


def test_the_report_escapes_text_of_the_file(run_import: Import) -> None:
    hostile = "sour \u202e\u2028\x1b[2J"
    printed = run_import([{"title": "x", hostile: 1}, {"title": "y", "priority": hostile}, {"title": ""}]).output
    assert r"sour \u202e\u2028\u001b[2J" in printed
    assert printed.replace("\n", "").isprintable()
