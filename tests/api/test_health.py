"""Health in detail: how the database and each projection are, for whoever administers the installation."""

from typing import Any

import psycopg
import pytest

from api.system import health
from infra.settings import Settings
from projections.projection import all_projections
from tests.api.opened import opened, park, without_a_database
from tests.api.problems import refused
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")

DETAILED = "http://test/health/detailed"


async def detailed(root: Visitor) -> dict[str, Any]:
    answer = await root.ask("GET", DETAILED)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


async def not_well(root: Visitor) -> list[str]:
    """The projections that are not well, which the whole says too."""
    found = await detailed(root)
    degraded = [one["name"] for one in found["projections"] if one["status"] != "ok"]
    assert found["status"] == ("degraded" if degraded else "ok")
    return degraded


async def test_where_all_is_folded_all_is_well(root: Visitor) -> None:
    root.fold()
    found = await detailed(root)
    assert (found["status"], found["database"]) == ("ok", "ok")
    assert [one["name"] for one in found["projections"]] == list(all_projections())
    for one in found["projections"]:
        assert (one["state"], one["lag_events"], one["lag_seconds"], one["parked"]) == ("live", 0, 0.0, 0)


async def test_a_projection_with_a_parked_document_is_not_well(root: Visitor, own: Settings) -> None:
    root.fold()
    park(own)
    assert await not_well(root) == ["task_list"]


async def test_a_projection_that_has_no_build_is_not_well(root: Visitor, own: Settings) -> None:
    root.fold()
    with psycopg.connect(own.database_url) as connection:
        connection.execute("delete from read.serving where projection = 'activity'")
    assert await not_well(root) == ["activity"]
    refused(await root.client.get("http://test/health/ready"), 503)


async def test_a_lag_of_a_moment_is_well_and_one_of_more_than_a_minute_is_not(root: Visitor, own: Settings) -> None:
    await root.task()
    assert await not_well(root) == []
    with psycopg.connect(own.migration_url) as owner:
        owner.execute("alter table log.events disable trigger user")
        owner.execute("update log.events set recorded_at = recorded_at - %s * interval '1 s'", (health.MAX_LAG_S + 1,))
        owner.execute("alter table log.events enable trigger user")
    assert await not_well(root) == list(all_projections())
    root.fold()
    assert await not_well(root) == []


async def test_without_a_database_nobody_is_known_to_administer(root: Visitor, own: Settings) -> None:
    async with opened(without_a_database(own)) as client:
        refused(await client.get(DETAILED, headers=root.headers), 503, "storage_unavailable")
        assert (await client.get("http://test/health")).status_code == 200
