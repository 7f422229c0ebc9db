"""Projections over HTTP: their status, and rebuilds."""

import asyncio
from typing import Any

import psycopg
import pytest

from infra.settings import Settings
from projections.projection import all_projections
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.slow]

REBUILD = "/projections/task_list/rebuild"


async def test_every_projection_is_listed_with_how_far_it_is(administrator: ApiUser) -> None:
    administrator.fold()
    answer = await administrator.request("GET", "/projections")
    items = answer.json()["items"]
    assert [item["name"] for item in items] == list(all_projections())
    for item in items:
        assert (item["state"], item["lag_events"], item["lag_seconds"], item["parked"]) == ("live", 0, 0.0, 0)
        assert str(item["position"]) == str(item["head"]) == answer.headers["taskledger-position"]
        assert item["rebuild_seconds"] > 0


async def test_a_lagging_projection_shows_its_lag(administrator: ApiUser) -> None:
    administrator.fold()
    task = await administrator.create_task()
    await administrator.post(f"/tasks/{task}/complete")
    behind = (await administrator.request("GET", "/projections")).json()["items"]
    assert {item["state"] for item in behind} == {"behind"}
    assert {item["lag_events"] for item in behind} == {3}  # allocating task numbers is an event too
    assert all(item["lag_seconds"] > 0 for item in behind)
    assert {item["state"] for item in (await administrator.get("/projections"))["items"]} == {"live"}


async def test_a_rebuild_is_accepted_and_shown_where_its_location_says(administrator: ApiUser) -> None:
    answer = await administrator.request("POST", REBUILD, json={})
    assert answer.status_code == 202
    asked = answer.json()
    assert answer.headers["location"] == f"/api/v1/operations/{asked['id']}"
    assert (asked["kind"], asked["projection"], asked["state"]) == ("rebuild", "task_list", "waiting")
    assert (asked["asked_by"], asked["began_at"], asked["ended_at"]) == (administrator.id, None, None)
    assert (asked["done"], asked["total"], asked["outcome"]) == (0, 0, None)
    assert await administrator.get(f"/operations/{asked['id']}") == asked


async def test_concurrent_rebuild_requests_share_one_operation(administrator: ApiUser) -> None:
    answers = await asyncio.gather(*(administrator.request("POST", REBUILD) for _ in range(10)))
    assert [answer.status_code for answer in answers] == [202] * 10
    (one,) = {answer.json()["id"] for answer in answers}
    assert (await administrator.post("/projections/activity/rebuild"))["id"] != one


@pytest.mark.parametrize(
    ("request_", "expected"), [({}, False), ({"json": {}}, False), ({"json": {"expect_changes": True}}, True)]
)
async def test_whether_changes_are_expected_is_written_down(
    administrator: ApiUser, isolated_settings: Settings, request_: dict[str, Any], *, expected: bool
) -> None:
    assert (await administrator.request("POST", REBUILD, **request_)).status_code == 202
    with psycopg.connect(isolated_settings.database_url) as connection:
        ((options,),) = connection.execute("select options from read.operations")
    assert options["expect_changes"] is expected


async def test_an_invalid_body_enqueues_nothing(administrator: ApiUser, isolated_settings: Settings) -> None:
    values: list[Any] = ["true", 1, None, []]
    for body in [*({"expect_changes": value} for value in values), {"expect": True}, []]:
        assert_problem(await administrator.request("POST", REBUILD, json=body), 400, "invalid_body")
    assert_problem(
        await administrator.request("POST", REBUILD, content=b"{}", headers={"Content-Type": "text/plain"}), 415
    )
    assert_problem(await administrator.request("POST", f"{REBUILD}?expect_changes=true"), 400, "unknown_parameter")
    with psycopg.connect(isolated_settings.database_url) as connection:
        assert connection.execute("select from read.operations").rowcount == 0


@pytest.mark.parametrize("name", ["nothing", "Task_list", "task_list_1", "%00", "%FF", "task_list%20", "a" * 5_000])
async def test_an_unknown_projection_is_not_found(administrator: ApiUser, name: str) -> None:
    assert_problem(await administrator.request("POST", f"/projections/{name}/rebuild"), 404, "not_found")
