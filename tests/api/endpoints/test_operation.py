"""Operations over HTTP: progress, outcome and permissions of long-running jobs."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg import sql

from infra.database.connections import connect_for_folding
from infra.ids import new_id
from infra.rebuilding import jobs
from infra.rebuilding.jobs import ProgressReporter
from infra.rebuilding.outcome import RebuildProgress
from infra.settings import Settings
from infra.worker.housekeeping import Housekeeping
from projections.engine import build_lock
from projections.engine.connection import SyncConnection
from projections.projection import all_projections
from tests.api.guarantees import eventually
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

REBUILD = "/projections/task_list/rebuild"


@pytest.fixture
def worker_connection(isolated_settings: Settings) -> Iterator[SyncConnection]:
    """The connection of a worker that runs enqueued jobs."""
    with closing(connect_for_folding(isolated_settings.database_url, "taskledger test")) as connection:
        yield connection


async def test_an_operation_shows_its_progress_and_remaining_time(
    administrator: ApiUser, worker_connection: SyncConnection
) -> None:
    asked = await administrator.post(REBUILD)
    claimed = jobs.claim(worker_connection)
    assert str(claimed) == asked["id"]
    assert claimed is not None
    assert build_lock.try_lock(worker_connection, all_projections()["task_list"])  # as a running rebuild does
    ProgressReporter(worker_connection, claimed)(RebuildProgress("folding", 25, 100))
    shown = await administrator.get(f"/operations/{claimed}")
    assert (shown["state"], shown["phase"], shown["done"], shown["total"]) == ("running", "folding", 25, 100)
    assert shown["seconds_left"] == pytest.approx(75 / shown["events_per_s"])
    listed = {item["name"]: item for item in (await administrator.get("/projections"))["items"]}
    assert (listed["task_list"]["state"], listed["task_list"]["doing"]) == ("rebuilding", "folding")
    assert listed["task_list"]["share"] == 0.25
    assert (await administrator.post(REBUILD))["id"] == asked["id"]
    ProgressReporter(worker_connection, claimed)(RebuildProgress("indexing", 1, 2))
    shown = await administrator.get(f"/operations/{claimed}")
    assert (shown["phase"], shown["events_per_s"], shown["seconds_left"]) == ("indexing", None, None)


async def test_an_operation_that_failed_says_why_and_the_next_is_another(
    administrator: ApiUser, worker_connection: SyncConnection
) -> None:
    asked = await administrator.post(REBUILD)
    claimed = jobs.claim(worker_connection)
    assert claimed is not None
    jobs.finish(worker_connection, claimed, error="no room on the disk")
    shown = await administrator.get(f"/operations/{claimed}")
    assert (shown["state"], shown["outcome"]) == ("failed", {"error": "no room on the disk"})
    assert shown["ended_at"] >= shown["began_at"] >= shown["asked_at"]
    assert (await administrator.post(REBUILD))["id"] != asked["id"]


async def test_a_rebuild_switches_to_differing_rows_only_if_changes_are_expected(
    administrator: ApiUser, isolated_settings: Settings
) -> None:
    task = await administrator.create_task("Milk")
    administrator.fold()
    _corrupt_titles(isolated_settings.database_url, "Beer")
    unexpected = await _run_rebuild(administrator, isolated_settings, expect_changes=False)
    assert unexpected["state"] == "failed"
    assert unexpected["outcome"]["differences"] == 1
    (cause,) = unexpected["outcome"]["first"]
    assert (cause["document"], cause["fields"]) == (task, {"title": ["Beer", "Milk"]})
    assert [name for _, name in cause["events"]] == ["TaskCreated"]
    assert (await administrator.get(f"/tasks/{task}"))["title"] == "Beer"
    expected = await _run_rebuild(administrator, isolated_settings, expect_changes=True)
    assert (expected["state"], expected["outcome"]["switched"]) == ("done", True)
    assert (expected["outcome"]["documents"], expected["outcome"]["differences"]) == (1, 1)
    await eventually(lambda: administrator.get(f"/tasks/{task}"), lambda shown: shown["title"] == "Milk")


async def test_an_unknown_operation_is_not_found(administrator: ApiUser) -> None:
    assert_problem(await administrator.request("GET", f"/operations/{new_id()}"), 404, "not_found")
    for name in ("1", "rebuild", "%00", f"{new_id()}0", "KIT-1"):
        assert_problem(await administrator.request("GET", f"/operations/{name}"), 400, "invalid_id")


async def test_only_administrators_may_operate(administrator: ApiUser) -> None:
    ann = await ApiUser.register_with_project(administrator.client, administrator.fold, "Ann")
    operation = (await administrator.post(REBUILD))["id"]
    for method, path in (
        ("GET", "/projections"),
        ("POST", REBUILD),
        ("POST", "/projections/nothing/rebuild"),
        ("GET", f"/operations/{operation}"),
        ("GET", f"/operations/{new_id()}"),
        ("GET", "http://test/health/detailed"),
    ):
        assert_problem(await ann.request(method, path), 403, "forbidden")
        assert_problem(await administrator.client.request(method, path), 401, "unauthorized")


async def _run_rebuild(root: ApiUser, own: Settings, *, expect_changes: bool) -> dict[str, Any]:
    """A rebuild, from the request to its end, by a worker's housekeeping."""
    asked = await root.post(REBUILD, expect_changes=expect_changes)
    path = f"/operations/{asked['id']}"
    with closing(Housekeeping(own)) as keeper:
        keeper.run_once()
        async with asyncio.timeout(60):
            while not (await root.get(path))["ended_at"]:  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.05)
    return await root.get(path)


def _corrupt_titles(url: str, title: str) -> None:
    """Change the title in every row of the task list."""
    with psycopg.connect(url) as connection:
        ((build,),) = connection.execute("select build from read.serving where projection = 'task_list'")
        table = sql.Identifier("read", f"task_list_{build}")
        connection.execute(sql.SQL("update {} set title = %s").format(table), (title,))
