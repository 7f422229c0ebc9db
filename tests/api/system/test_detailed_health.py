"""Detailed health: the state of the database and of each projection, for the administrator."""

from typing import Any

import msgspec
import psycopg
import pytest

from api.system import detailed_health
from infra.settings import Settings
from projections.projection import all_projections
from tests.api.guarantees import eventually
from tests.api.in_process_app import UNREACHABLE_REDIS_URL, app_client, park_document, without_a_database
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.slow]

DETAILED = "http://test/health/detailed"


async def detailed(root: ApiUser) -> dict[str, Any]:
    answer = await root.request("GET", DETAILED)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


async def test_without_redis_the_cache_and_the_broker_are_down(
    administrator: ApiUser, isolated_settings: Settings
) -> None:
    lonely = msgspec.structs.replace(
        isolated_settings, redis_url=UNREACHABLE_REDIS_URL, broker_url=UNREACHABLE_REDIS_URL, data="/"
    )
    async with app_client(lonely) as client:
        found = (await client.get(DETAILED, headers=administrator.headers)).json()
    assert [found[name]["status"] for name in ("cache", "broker", "database")] == ["down", "down", "ok"]
    assert found["status"] == "degraded"
    assert found["disk"]["free_bytes"] <= found["disk"]["total_bytes"]


async def unhealthy_projections(root: ApiUser) -> list[str]:
    """The unhealthy projections, after asserting that the overall status agrees."""
    found = await detailed(root)
    degraded = [one["name"] for one in found["projections"] if one["status"] != "ok"]
    assert found["status"] == ("degraded" if degraded else "ok")
    return degraded


async def test_an_up_to_date_installation_is_healthy(administrator: ApiUser) -> None:
    administrator.fold()
    found = await eventually(lambda: detailed(administrator), lambda found: found["not_ready_because"] is None)
    assert (found["status"], found["not_ready_because"]) == ("ok", None)
    for name in ("database", "cache", "broker"):
        assert found[name]["status"] == "ok"
        assert 0 < found[name]["latency_ms"] < 1_000
        assert found[name]["version"][0].isdigit()
    assert found["broker"]["queue_depth"] >= 0
    assert found["process"]["memory_bytes"] > 10**7
    assert found["versions"]["schema"].startswith("00")
    assert [one["name"] for one in found["projections"]] == list(all_projections())
    for one in found["projections"]:
        assert (one["state"], one["lag_events"], one["lag_seconds"], one["parked"]) == ("live", 0, 0.0, 0)


async def test_a_projection_with_a_parked_document_is_unhealthy(
    administrator: ApiUser, isolated_settings: Settings
) -> None:
    administrator.fold()
    park_document(isolated_settings)
    assert await unhealthy_projections(administrator) == ["task_list"]


async def test_a_projection_without_a_build_is_unhealthy(administrator: ApiUser, isolated_settings: Settings) -> None:
    administrator.fold()
    with psycopg.connect(isolated_settings.database_url) as connection:
        connection.execute("delete from read.serving where projection = 'activity'")
    assert await unhealthy_projections(administrator) == ["activity"]
    assert_problem(
        await eventually(
            lambda: administrator.client.get("http://test/health/ready"), lambda found: found.status_code == 503
        ),
        503,
    )


async def test_a_lag_of_more_than_a_minute_is_unhealthy(administrator: ApiUser, isolated_settings: Settings) -> None:
    await administrator.create_task()
    assert await unhealthy_projections(administrator) == []
    with psycopg.connect(isolated_settings.migration_url) as owner:
        owner.execute("alter table log.events disable trigger user")
        owner.execute(
            "update log.events set recorded_at = recorded_at - %s * interval '1 s'", (detailed_health.MAX_LAG_S + 1,)
        )
        owner.execute("alter table log.events enable trigger user")
    assert await unhealthy_projections(administrator) == list(all_projections())
    administrator.fold()
    assert await unhealthy_projections(administrator) == []


async def test_without_a_database_detailed_health_is_unavailable(
    administrator: ApiUser, isolated_settings: Settings
) -> None:
    async with app_client(without_a_database(isolated_settings)) as client:
        assert_problem(await client.get(DETAILED, headers=administrator.headers), 503, "storage_unavailable")
        assert (await client.get("http://test/health")).status_code == 200
