"""Operations over HTTP: how far a long work is, what came of it, and who may know."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg import sql

from infra.database.pool import connect_for_folding
from infra.ids import new_id
from infra.rebuilding import jobs
from infra.rebuilding.jobs import ProgressReporter
from infra.rebuilding.outcome import RebuildProgress
from infra.settings import Settings
from infra.worker.housekeeping import Housekeeping
from projections.engine import builds
from projections.engine.builds import SyncConnection
from projections.projection import all_projections
from tests.api.checks import soon
from tests.api.problems import refused
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")

REBUILD = "/projections/task_list/rebuild"


@pytest.fixture
def worker(own: Settings) -> Iterator[SyncConnection]:
    """The connection of somebody who takes up what is asked for."""
    with closing(connect_for_folding(own.database_url, "taskledger test")) as connection:
        yield connection


async def test_an_operation_shows_how_far_it_is_and_how_long_it_will_take(
    root: Visitor, worker: SyncConnection
) -> None:
    asked = await root.post(REBUILD)
    claimed = jobs.claim(worker)
    assert str(claimed) == asked["id"]
    assert claimed is not None
    assert builds.try_lock(worker, all_projections()["task_list"])  # as whoever is at it does
    ProgressReporter(worker, claimed)(RebuildProgress("folding", 25, 100))
    shown = await root.get(f"/operations/{claimed}")
    assert (shown["state"], shown["phase"], shown["done"], shown["total"]) == ("running", "folding", 25, 100)
    assert shown["seconds_left"] == pytest.approx(75 / shown["events_per_s"])
    listed = {item["name"]: item for item in (await root.get("/projections"))["items"]}
    assert (listed["task_list"]["state"], listed["task_list"]["doing"]) == ("rebuilding", "folding")
    assert listed["task_list"]["share"] == 0.25
    assert (await root.post(REBUILD))["id"] == asked["id"]
    ProgressReporter(worker, claimed)(RebuildProgress("indexing", 1, 2))
    shown = await root.get(f"/operations/{claimed}")
    assert (shown["phase"], shown["events_per_s"], shown["seconds_left"]) == ("indexing", None, None)


async def test_an_operation_that_failed_says_why_and_the_next_is_another(root: Visitor, worker: SyncConnection) -> None:
    asked = await root.post(REBUILD)
    claimed = jobs.claim(worker)
    assert claimed is not None
    jobs.finish(worker, claimed, error="no room on the disk")
    shown = await root.get(f"/operations/{claimed}")
    assert (shown["state"], shown["outcome"]) == ("failed", {"error": "no room on the disk"})
    assert shown["ended_at"] >= shown["began_at"] >= shown["asked_at"]
    assert (await root.post(REBUILD))["id"] != asked["id"]


async def test_a_worker_does_what_was_asked_and_switches_to_other_rows_only_where_that_was_expected(
    root: Visitor, own: Settings
) -> None:
    task = await root.task("Milk")
    root.fold()
    _spoil(own.database_url, "Beer")
    unexpected = await _done(root, own, expect_changes=False)
    assert unexpected["state"] == "failed"
    assert unexpected["outcome"]["differences"] == 1
    (cause,) = unexpected["outcome"]["first"]
    assert (cause["document"], cause["fields"]) == (task, {"title": ["Beer", "Milk"]})
    assert [name for _, name in cause["events"]] == ["TaskCreated"]
    assert (await root.get(f"/tasks/{task}"))["title"] == "Beer"
    expected = await _done(root, own, expect_changes=True)
    assert (expected["state"], expected["outcome"]["switched"]) == ("done", True)
    assert (expected["outcome"]["documents"], expected["outcome"]["differences"]) == (1, 1)
    await soon(lambda: root.get(f"/tasks/{task}"), lambda shown: shown["title"] == "Milk")


async def test_an_operation_that_there_is_not_is_not_found(root: Visitor) -> None:
    refused(await root.ask("GET", f"/operations/{new_id()}"), 404, "not_found")
    for name in ("1", "rebuild", "%00", f"{new_id()}0", "KIT-1"):
        refused(await root.ask("GET", f"/operations/{name}"), 400, "invalid_id")


async def test_who_does_not_administer_operates_nothing(root: Visitor) -> None:
    ann = await Visitor.settled(root.client, root.fold, "Ann")
    operation = (await root.post(REBUILD))["id"]
    for method, path in (
        ("GET", "/projections"),
        ("POST", REBUILD),
        ("POST", "/projections/nothing/rebuild"),
        ("GET", f"/operations/{operation}"),
        ("GET", f"/operations/{new_id()}"),
        ("GET", "http://test/health/detailed"),
    ):
        refused(await ann.ask(method, path), 403, "forbidden")
        refused(await root.client.request(method, path), 401, "unauthorized")


async def _done(root: Visitor, own: Settings, *, expect_changes: bool) -> dict[str, Any]:
    """A rebuild, from the wish to its end, by a worker's keeper."""
    asked = await root.post(REBUILD, expect_changes=expect_changes)
    path = f"/operations/{asked['id']}"
    with closing(Housekeeping(own)) as keeper:
        keeper.run_once()
        async with asyncio.timeout(60):
            while not (await root.get(path))["ended_at"]:  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.05)
    return await root.get(path)


def _spoil(url: str, title: str) -> None:
    """Another title in every row of the task list."""
    with psycopg.connect(url) as connection:
        ((build,),) = connection.execute("select build from read.serving where projection = 'task_list'")
        table = sql.Identifier("read", f"task_list_{build}")
        connection.execute(sql.SQL("update {} set title = %s").format(table), (title,))
