"""Metrics: the values that Prometheus scrapes match the state of the projections."""

import contextlib
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg import AsyncCursor

from api.ledger import BASE_PATH
from api.server import create_server
from infra.admission import MIN_PLACES
from infra.identity.permissions import Permissions
from infra.processes import ports
from infra.rebuilding.projection_status import STATUS_SQL
from infra.settings import Settings
from projections.projection import all_projections
from tests.api.connections.raw_http import GET, POST_CHUNKED, raw_client, refusal_of
from tests.api.guarantees import eventually
from tests.api.in_process_app import park_document, without_a_database
from tests.api.problems import assert_problem
from tests.api_user import ApiUser
from tests.law import planted_defect

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.slow]

METRICS = "http://test/metrics"
LOGIN = f"{BASE_PATH}/auth/login"
JOIN_TIMEOUT_S = 15
CACHE, HTTP = "taskledger_cache_", "taskledger_http_"
OF_THIS_PROCESS = (CACHE, HTTP, "taskledger_circuit_", "taskledger_database_")
PROJECTION_METRICS = {
    "position",
    "lag_events",
    "lag_seconds",
    "events_per_second",
    "parked_documents",
    "rebuild_seconds",
}


async def scrape(visitor: ApiUser) -> dict[str, dict[str, float]]:
    """The samples of each metric, by projection, read with the administrator's token."""
    answer = await visitor.request("GET", METRICS)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = [one for one in text_string_to_metric_families(answer.text) if not one.name.startswith(OF_THIS_PROCESS)]
    assert {family.type for family in families} == {"gauge"}
    assert all(family.documentation for family in families)
    return {
        family.name: {sample.labels.get("projection", ""): sample.value for sample in family.samples}
        for family in families
    }


async def test_every_projection_has_every_metric(administrator: ApiUser) -> None:
    found = await scrape(administrator)
    assert found.keys() == {"taskledger_log_position"} | {
        f"taskledger_projection_{name}" for name in PROJECTION_METRICS
    }
    for name in PROJECTION_METRICS:
        assert list(found[f"taskledger_projection_{name}"]) == list(all_projections())


async def test_metrics_say_what_the_list_of_projections_says(
    administrator: ApiUser, isolated_settings: Settings
) -> None:
    administrator.fold()
    await administrator.create_task()
    park_document(isolated_settings)
    found = await scrape(administrator)
    for item in (await administrator.request("GET", "/projections")).json()["items"]:
        sampled = {name: found[f"taskledger_projection_{name}"][item["name"]] for name in PROJECTION_METRICS}
        assert found["taskledger_log_position"][""] == item["head"]
        assert (
            (sampled["position"], sampled["lag_events"])
            == (item["position"], item["lag_events"])
            == (item["head"] - 2, 2)
        )
        assert sampled["parked_documents"] == item["parked"] == (item["name"] == "task_list")
        assert sampled["rebuild_seconds"] == pytest.approx(item["rebuild_seconds"])
        assert 0 < sampled["lag_seconds"] <= item["lag_seconds"]


async def test_a_scrape_runs_one_query_beside_the_check_of_permissions(
    administrator: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scrape(administrator)
    queries, execute = list[str](), AsyncCursor.execute
    is_in_scrape = ContextVar("is_in_scrape", default=False)

    async def execute_and_record(cursor: Any, query: Any, *arguments: Any, **named: Any) -> Any:
        if is_in_scrape.get():  # and not in a poll of the same process
            queries.append(str(query))
        return await execute(cursor, query, *arguments, **named)

    monkeypatch.setattr(AsyncCursor, "execute", execute_and_record)
    is_in_scrape.set(True)
    await scrape(administrator)
    is_in_scrape.set(False)
    assert queries[1:] == [STATUS_SQL]


async def test_no_accept_and_no_parameter_makes_a_scrape_fail(administrator: ApiUser) -> None:
    for accept in ("application/openmetrics-text; version=x", "text/plain; version=9.9; escaping=\t", "image/png", ""):
        answer = await administrator.request("GET", METRICS, headers={"Accept": accept})
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert_problem(await administrator.request("GET", f"{METRICS}?name[]=up"), 400, "unknown_parameter")


async def test_each_cache_layer_reports_hits_misses_and_staleness(administrator: ApiUser) -> None:
    async def cache_samples() -> dict[tuple[str, str], float]:
        families = text_string_to_metric_families((await administrator.request("GET", METRICS)).text)
        samples = [sample for family in families for sample in family.samples]
        return {(one.name.removeprefix(CACHE), one.labels.get("layer", "")): one.value for one in samples}

    task = await administrator.create_task()
    administrator.fold()
    before = await cache_samples()
    for _ in range(4):
        assert (await administrator.request("GET", f"/tasks/{task}")).status_code == 200
    after = await cache_samples()
    grown = {name: value - before[name] for name, value in after.items() if name[0] in {"hits_total", "misses_total"}}
    assert grown["hits_total", "process"] + grown["hits_total", "postgresql"] == 4
    assert grown["hits_total", "postgresql"] == grown["misses_total", "redis"] >= 1
    assert grown["hits_total", "stale"] == 0
    assert after["age_seconds_sum", "process"] > before["age_seconds_sum", "process"]
    assert after["answers", ""] > before["answers", ""]
    assert after["bytes", ""] > before["bytes", ""]
    assert after["evicted_total", ""] == 0


async def test_only_the_administrator_reads_the_metrics(administrator: ApiUser) -> None:
    other = await ApiUser.register_with_project(administrator.client, administrator.fold, "Other")
    assert_problem(await administrator.client.get(METRICS), 401)
    assert_problem(await other.request("GET", METRICS), 403)
    answer = await administrator.request("GET", METRICS)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


@contextlib.contextmanager
def metrics_port_of(settings: Settings) -> Iterator[tuple[str, str]]:
    """The address of a served application, and of its metrics."""
    with ports.open_consecutive_listeners(ports.LOOPBACK, 0, 2) as listeners:
        server = create_server(settings, 1024, listeners[0], listeners[1])
        thread = threading.Thread(target=server.run, args=(listeners,))
        thread.start()
        try:
            yield ports.listener_url(listeners[0]), ports.listener_url(listeners[1])
        finally:
            server.should_exit = True
            thread.join(JOIN_TIMEOUT_S)


def metric_names(text: str) -> set[str]:
    return {family.name for family in text_string_to_metric_families(text)}


async def test_a_port_of_their_own_serves_metrics_without_a_token_and_nothing_else(isolated_settings: Settings) -> None:
    with metrics_port_of(isolated_settings) as (main, own):
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{own}/metrics")
            assert (answer.status_code, "taskledger_log_position" in metric_names(answer.text)) == (200, True)
            assert (await client.head(f"{own}/metrics")).status_code == 200
            for method, path in (("GET", "/health"), ("GET", "/docs"), ("POST", "/metrics"), ("POST", LOGIN)):
                assert_problem(await client.request(method, own + path), 404, "not_found")
            assert_problem(await client.get(f"{main}/metrics"), 401)
            spoofed = await client.get(f"{main}/metrics", headers={"Host": own.removeprefix("http://")})
            assert_problem(spoofed, 401)


async def test_without_a_database_this_process_reports_on_itself(settings: Settings) -> None:
    with metrics_port_of(without_a_database(settings)) as (_, own):
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{own}/metrics")
    assert answer.status_code == 200
    names = metric_names(answer.text)
    assert names
    assert all(name.startswith(OF_THIS_PROCESS) for name in names)


async def test_an_open_circuit_is_reported(settings: Settings) -> None:
    with metrics_port_of(without_a_database(settings)) as (_, own):
        async with httpx.AsyncClient() as client:
            answer = await eventually(
                lambda: client.get(f"{own}/metrics"),
                lambda found: 'taskledger_circuit_open{server="postgresql"} 1.0' in found.text,
            )
    assert "taskledger_database_outages_total 1.0" in answer.text


async def test_metrics_that_everyone_may_read_are_noticed(
    administrator: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def allow(*_: object) -> None:
        pass

    monkeypatch.setattr(Permissions, "require_operator", allow)
    with planted_defect(), pytest.raises(AssertionError):
        await test_only_the_administrator_reads_the_metrics(administrator)


async def test_connections_and_refusals_are_counted(settings: Settings) -> None:
    with metrics_port_of(msgspec.structs.replace(settings, hosts="test")) as (main, own):
        port = httpx.URL(main).port
        assert port
        async with httpx.AsyncClient() as client, contextlib.AsyncExitStack() as opened:
            for data in (b"no HTTP\r\n\r\n", GET + b"Host: other\r\n\r\n", GET + b"Host: other\r\n\r\n"):
                refusal_of(port, data)
            login = POST_CHUNKED.replace(b"/read", b"/api/v1/auth/login")
            opened.enter_context(raw_client(port)).sendall(login + b"3\r\nabc\r\n")
            await client.get(f"{main}/api/v1/workspaces")
            families = text_string_to_metric_families((await client.get(f"{own}/metrics")).text)
            samples = [sample for family in families for sample in family.samples if sample.name.startswith(HTTP)]
    found = {(one.name.removeprefix(HTTP), one.labels.get("reason", "")): one.value for one in samples}
    assert found["refused_total", "malformed_request"] == 1
    assert found["refused_total", "invalid_host"] == 2
    assert (found["connections", ""], found["requests_handled_total", ""]) == (3, 1)
    assert found["requests_in_progress", ""] == found["requests_waiting", ""] == 0
    assert found["body_bytes", ""] == 3
    assert found["request_limit", ""] == MIN_PLACES
