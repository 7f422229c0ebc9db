"""An imported past over HTTP: earlier answers about the past are dropped, and people have their names."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
from rich.progress import Progress

from cli.import_.board_import import HistoryJob, import_history, read_file
from cli.import_.history.target import Destination
from infra.settings import Settings
from projections.engine import past
from tests.api_user import ApiUser
from tests.cli.import_.boards import trello_export as trello
from tests.cli.import_.boards.trello_export import at
from tests.planted_defects import assert_async_check_fails

pytestmark = pytest.mark.asyncio(loop_scope="package")

FOLD_INTERVAL_S = 0.05


async def import_board(
    ann: ApiUser, settings: Settings, fold: Callable[[], None], folder: Path, people: Mapping[str, str] | None = None
) -> None:
    """Imports the example into a project of Ann, while a worker folds."""
    file = folder / "board.json"
    file.write_text(json.dumps(trello.export()))
    job = HistoryJob(read_file(file), Destination(ann.workspace, "PAST", ann.email), people or {})
    importing = asyncio.create_task(import_history(settings, job, Progress(disable=True)))
    while not importing.done():
        await asyncio.sleep(FOLD_INTERVAL_S)
        fold()
    outcome = await importing
    assert (outcome.is_written, outcome.refused) == (True, [])


async def assert_answers_are_dropped(ann: ApiUser, settings: Settings, fold: Callable[[], None], folder: Path) -> None:
    """What was asked about the past before an import is answered with what it brought."""
    then = quote(at(8).isoformat())
    projects, tasks = f"/workspaces/{ann.workspace}/projects?as_of={then}", f"/tasks?as_of={then}"
    for path in (projects, tasks, projects, tasks):
        assert (await ann.get(path))["items"] == []
    await import_board(ann, settings, fold, folder)
    assert [item["key"] for item in (await ann.get(projects))["items"]] == ["PAST"]
    assert {"Second", "Old, renamed"} <= {item["title"] for item in (await ann.get(tasks))["items"]}


async def test_an_import_drops_answers_about_the_past(
    ann: ApiUser, settings: Settings, fold: Callable[[], None], tmp_path: Path
) -> None:
    await assert_answers_are_dropped(ann, settings, fold, tmp_path)


async def test_answers_that_are_not_dropped_are_noticed(
    ann: ApiUser, settings: Settings, fold: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "changes_the_past", lambda *_: False)
    await assert_async_check_fails(lambda: assert_answers_are_dropped(ann, settings, fold, tmp_path))


async def test_histories_have_the_names_and_the_times_of_the_board(
    ann: ApiUser, settings: Settings, fold: Callable[[], None], tmp_path: Path
) -> None:
    await import_board(ann, settings, fold, tmp_path)
    tasks = (await ann.get("/tasks?filter=project:PAST&expand=assignees,created_by"))["items"]
    (main,) = [item for item in tasks if item["title"] == "Second"]
    assert main["created_by"]["name"] == "Ann Other"
    items = (await ann.get(f"/tasks/{main['id']}/history"))["items"]
    (comment,) = [item for item in items if item["type"] == "CommentAdded"]
    assert comment["actor"]["name"] == "Bob Gone"
    assert (comment["actor"]["kind"], comment["actor"]["on_behalf_of"]) == ("import", ann.id)
    assert comment["at"].startswith(at(12).strftime("%Y-%m-%dT%H:%M:%S"))
    (assigned,) = [item for item in items if item["type"] == "TaskAssigned"]
    then = quote(at(15.5).isoformat())
    past = await ann.get(f"/tasks/{main['id']}?as_of={then}&expand=assignees")
    assert [one["name"] for one in past["assignees"]] == ["Bob Gone"]
    assert assigned["changes"]["assignees"][1] == [past["assignees"][0]["id"]]


async def test_what_was_done_elsewhere_is_not_undone(
    ann: ApiUser, settings: Settings, fold: Callable[[], None], tmp_path: Path
) -> None:
    before = await ann.create_task("Of today")
    await import_board(ann, settings, fold, tmp_path, {"ann": ann.email})
    position = (await ann.post("/undo"))["position"]
    fold()
    found = (await ann.get(f"/tasks?filter=project:PAST&min_position={position}"))["items"]
    assert {item["title"] for item in found} >= {"Second", "Old, renamed"}
    assert (await ann.get(f"/tasks/{before}?min_position={position}"))["trashed"]
