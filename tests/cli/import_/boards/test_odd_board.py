"""A board with all that is odd: its history has the times and people of the file, and nothing is lost in silence."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domain.comment import CommentAdded
from domain.event import RecordedEvent
from domain.former_member import FormerMemberNamed
from domain.project import ColumnsSet, ProjectCreated
from domain.task import TaskArchived, TaskCompleted, TaskCreated, TaskLabelled, TaskMoved, TaskRenamed
from infra.settings import Settings
from projections.engine.connection import SyncConnection
from tests.cli.import_.boards import trello_export as trello
from tests.cli.import_.boards.conftest import ImportBoard
from tests.cli.import_.boards.imported import ImportedProject
from tests.cli.import_.boards.trello_export import at
from tests.projections import oracle

pytestmark = pytest.mark.slow
TWINS = ("Doing", "doing (2)")


@pytest.fixture
def history(import_board: ImportBoard, database: SyncConnection) -> list[RecordedEvent]:
    """The events that the import of the export writes."""
    before = len(oracle.all_events(database))
    result = import_board(trello.export())
    assert (result.exit_code, result.exception) == (0, None)
    return list(oracle.all_events(database)[before:])


def board_titles(imported: ImportedProject, when: datetime | None = None) -> dict[str, str]:
    """The columns of the tasks outside the archive by their titles, the long one short."""
    return {task[0][:12]: task[3] for task in imported.board(when) if not task[4]}


def test_the_board_is_as_it_was_at_each_time(
    import_board: ImportBoard, database: SyncConnection, settings: Settings
) -> None:
    import_board(trello.export())
    imported = ImportedProject(database, settings)
    assert not imported.tasks(at(-1))
    assert board_titles(imported, at(4)) == {
        "Old": "To do",
        "First": "To do",
        "Put away": "Doing",
        "LLLLLLLLLLLL": "To do",
    }
    assert board_titles(imported, at(7)) | {"Elsewhere": "To do"} == board_titles(imported, at(7))
    assert board_titles(imported, at(13)) == {
        "Old, renamed": "To do",
        "Second": "Doing",
        "Put away": "Doing",
        "LLLLLLLLLLLL": "To do",
        "Elsewhere": "To do",
    }
    assert board_titles(imported) == {"Old, renamed": "To do", "Second": "Doing", "LLLLLLLLLLLL": "To do"}
    (closed,) = [task for task in imported.board() if task[0] == "Put away"]
    assert (closed[3], closed[4], closed[7]) == (TWINS[1], True, ("In the archive",))
    (main,) = [task for task in imported.board() if task[0] == "Second"]
    assert main[1:] == (
        "with a\n\tdescription",
        datetime.fromisoformat("2019-04-01T10:00:00Z"),
        "Doing",
        False,
        True,
        (),
        ("First!",),
    )
    (assigned,) = [task for task in imported.board(at(15.5)) if task[0] == "Second"]
    assert assigned[6] == ("Bob Gone",)
    assert imported.order()["To do"] == ["Old, renamed", "L" * 500]
    assert imported.checklists()[("Buy", True), ("Cook", False)] == 1
    assert imported.labels()["green", "urgent"] == 1
    assert oracle.matches_log(database)


def test_events_have_the_times_and_the_people_of_the_file(history: list[RecordedEvent]) -> None:
    times = [one.at for one in history]
    assert times == sorted(times)
    assert {one.actor.kind for one in history} == {"import"}
    assert all(one.recorded_at > at(1_000_000) and one.at <= one.recorded_at for one in history)
    people = {one.event.name: one.stream for one in history if isinstance(one.event, FormerMemberNamed)}
    ann, bob = people["Ann Other"], people["Bob Gone"]
    told = [(type(one.event), one.at, one.actor.id) for one in history]
    assert (ProjectCreated, at(0), ann) in told
    assert (TaskRenamed, at(7), bob) in told
    assert (CommentAdded, at(12), bob) in told
    assert (TaskMoved, at(13), ann) in told
    assert (TaskCompleted, at(15), ann) in told
    assert next(one for one in told if one[0] is TaskArchived) == (TaskArchived, at(17), ann)
    assert (ColumnsSet, at(22), ann) in told
    (comment,) = [one.event for one in history if isinstance(one.event, CommentAdded) and one.at == at(12)]
    assert (comment.user_id, comment.text, comment.mentions) == (bob, "First!", ())
    labelled = [one for one in history if isinstance(one.event, TaskLabelled)]
    assert labelled
    assert all(one.at == one.recorded_at and one.actor.on_behalf_of == one.actor.id for one in labelled)
    (old,) = [one for one in history if isinstance(one.event, TaskCreated) and one.event.title == "Old"]
    assert (old.at, old.actor.on_behalf_of) == (at(0), old.actor.id)
    assert {one.actor.on_behalf_of for one in history} == {old.actor.id}


def test_the_report_tells_what_was_changed_and_what_was_not_carried_over(import_board: ImportBoard) -> None:
    output = import_board(trello.export()).output
    assert "board.json: project PAST created with 5 tasks" in output
    assert "0 refused" in output
    for line in (
        "1 x lists of equal names were numbered",
        "1 x title: cut at 500 characters",
        "1 x comments without a visible text were left out",
        "1 x cards whose creation the file does not tell: created by the import",
        "1 x desc",
        "1 x actions[] of type enablePlugin",
        "1 x actions[] of type deleteCard, of cards that the file does not have",
        "1 x actions[] of type updateCheckItemStateOnCard, of items that the file does not have",
        "1 x checklists[].name",
        "1 x labels[].name",
        "People who are no members of the workspace, kept by name: 2.",
    ):
        assert line in output


def test_importing_the_file_again_changes_nothing(import_board: ImportBoard, database: SyncConnection) -> None:
    import_board(trello.export())
    before = len(oracle.all_events(database))
    again = import_board(trello.export())
    assert again.exit_code == 0
    assert "imported from this file already: 0 created, 0 events." in again.output
    assert len(oracle.all_events(database)) == before


def test_a_dry_run_reports_and_writes_nothing(import_board: ImportBoard, database: SyncConnection) -> None:
    before = len(oracle.all_events(database))
    assert "would be created with 5 tasks" in import_board(trello.export(), "--dry-run").output
    assert len(oracle.all_events(database)) == before


def test_a_member_who_is_named_is_the_author(
    import_board: ImportBoard, database: SyncConnection, tmp_path: Path
) -> None:
    people = tmp_path / "people.json"
    people.write_text(json.dumps({"bob": "demo@example.com"}))
    output = import_board(trello.export(), "--people", str(people)).output
    assert "kept by name: 1." in output
    commented = [one for one in oracle.all_events(database) if isinstance(one.event, CommentAdded)]
    of_bob = [one for one in commented if one.at == at(12)]
    assert of_bob[0].actor.id == of_bob[0].actor.on_behalf_of


def test_what_is_told_of_the_future_happens_now(import_board: ImportBoard, database: SyncConnection) -> None:
    export = trello.export()
    export["actions"].insert(0, trello.update(60 * 24 * 365 * 100, trello.OLD, {"desc": "x"}, desc="y"))
    assert import_board(export).exit_code == 0
    last = oracle.all_events(database)[-1]
    assert last.recorded_at - last.at < timedelta(minutes=1)


def test_a_card_that_is_older_than_its_list_begins_with_it(
    import_board: ImportBoard, database: SyncConnection, settings: Settings
) -> None:
    export = trello.export()
    export["cards"].append(trello.card("no-id-of-mongodb", "Older", trello.LATER, 1, closed=True, dueComplete=True))
    result = import_board(export)
    assert (result.exit_code, result.exception) == (0, None)
    (older,) = [task for task in ImportedProject(database, settings).board(at(0)) if task[0] == "Older"]
    assert older[3:6] == ("Finished", True, True)


def test_what_a_rule_refuses_is_told_with_its_place(import_board: ImportBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commands.task.assign.MAX_ASSIGNEES_PER_TASK", 0)
    result = import_board(trello.export())
    assert result.exit_code == 1
    assert "1 refused." in result.output
    assert "addMemberToCard of 2019-03-01 09:09" in result.output


def test_a_history_that_is_too_long_is_refused_before_it_is_written(
    import_board: ImportBoard, database: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.import_.history.importer.MAX_EVENTS", 10)
    before = len(oracle.all_events(database))
    assert "at most 10 are written at once" in str(import_board(trello.export()).exception)
    assert len(oracle.all_events(database)) == before


def test_an_import_without_a_worker_says_so(import_board: ImportBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.import_.history.importer.STANDSTILL_S", 0.1)
    monkeypatch.setattr("infra.worker.projector.Projector.project", lambda *_: None)
    assert "The read models do not show it yet" in import_board(trello.export()).output
