"""Metrics: what Prometheus collects is what the projections are."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg import AsyncCursor

from infra.settings import Settings
from projections.engine.status import STATUS
from projections.projection import every
from tests.api.opened import opened, park, without_a_database
from tests.api.problems import refused
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")

METRICS = "http://test/metrics"
OF_EACH = {"position", "lag_events", "lag_seconds", "events_per_second", "parked_documents", "rebuild_seconds"}


async def scraped(visitor: Visitor) -> dict[str, dict[str, float]]:
    """The samples of each metric, by projection, as a stranger reads them."""
    answer = await visitor.client.get(METRICS)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = list(text_string_to_metric_families(answer.text))
    assert {family.type for family in families} == {"gauge"}
    assert all(family.documentation for family in families)
    return {
        family.name: {sample.labels.get("projection", ""): sample.value for sample in family.samples}
        for family in families
    }


async def test_every_projection_has_every_metric(root: Visitor) -> None:
    found = await scraped(root)
    assert found.keys() == {"taskledger_log_position"} | {f"taskledger_projection_{name}" for name in OF_EACH}
    for name in OF_EACH:
        assert list(found[f"taskledger_projection_{name}"]) == list(every())


async def test_metrics_say_what_the_list_of_projections_says(root: Visitor, own: Settings) -> None:
    root.fold()
    await root.task()
    park(own)
    found = await scraped(root)
    for item in (await root.ask("GET", "/projections")).json()["items"]:
        told = {name: found[f"taskledger_projection_{name}"][item["name"]] for name in OF_EACH}
        assert found["taskledger_log_position"][""] == item["head"]
        assert (told["position"], told["lag_events"]) == (item["position"], item["lag_events"]) == (item["head"] - 2, 2)
        assert told["parked_documents"] == item["parked"] == (item["name"] == "task_list")
        assert told["rebuild_seconds"] == pytest.approx(item["rebuild_seconds"])
        assert 0 < told["lag_seconds"] <= item["lag_seconds"]


async def test_a_scrape_is_one_question(root: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    await scraped(root)
    asked, execute = list[str](), AsyncCursor.execute

    async def noted(cursor: Any, query: Any, *arguments: Any, **named: Any) -> Any:
        asked.append(str(query))
        return await execute(cursor, query, *arguments, **named)

    monkeypatch.setattr(AsyncCursor, "execute", noted)
    await scraped(root)
    assert [query for query in asked if query != "notify events"] == [STATUS]


async def test_no_accept_and_no_parameter_makes_a_scrape_fail(root: Visitor) -> None:
    for accept in ("application/openmetrics-text; version=x", "text/plain; version=9.9; escaping=\t", "image/png", ""):
        answer = await root.client.get(METRICS, headers={"Accept": accept})
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    refused(await root.client.get(f"{METRICS}?name[]=up"), 400, "unknown_parameter")


async def test_without_a_database_there_is_nothing_to_scrape(settings: Settings) -> None:
    async with opened(without_a_database(settings)) as client:
        problem = await client.get(METRICS)
    refused(problem, 503, "storage_unavailable")
    assert int(problem.headers["retry-after"]) >= 1
