"""R3: pages of a backlog, each with a different filter, so that none of them is cached."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from urllib.parse import unquote

import httpx
from msgspec import Struct

from bench.data import board, history
from bench.data.backlog import Backlog
from bench.data.http_target import HttpTarget
from bench.data.queries import PageQuery, generate_queries
from bench.harness.costs import load_cost
from bench.harness.instance import wait_caught_up
from bench.harness.load_generator import LoadPlan
from bench.harness.load_notes import load_notes
from bench.harness.load_result import LoadResult
from bench.harness.processes import start_command
from bench.harness.resource_usage import track_usage
from bench.harness.run_module import run_module
from bench.harness.servers import EmbeddedServers, start_api, start_servers
from bench.harness.wal_syncs import track_wal_syncs
from bench.targets import CostLine, Metric, ScenarioReport, at_most, format_number, percentile
from infra import log

TIMED_QUERIES, QUERIES_PER_S = 400, 40.0
"""How many queries are timed, and how many fall due each second."""
WARM_UP_QUERIES = 40
"""Other queries before those, so that the API process has opened its connections."""
CURSOR_PAGE_SIZE = 200
"""The largest page size, to reach a position deep in a list."""

_R3 = Metric(
    "R3",
    "a page of 50, cold, p99",
    "An instance of its own with 100,000 tasks of 50 projects, in English and Russian. 400 pages, each with another "
    "filter, so that no cache of ours has any; PostgreSQL may have read the rows before, to find where a page begins. "
    "40 fall due each second for one client, once. A query without a good answer misses the target.",
    "ms",
)


class ColdReads(Struct, frozen=True):
    """The paths of the queries, in order, the result of their load, and what it cost."""

    paths: list[str]
    load: LoadResult
    cost: CostLine


def report(reads: ColdReads) -> ScenarioReport:
    """The target is missed if any query was refused or not sent in time, because it has no latency."""
    latencies = reads.load.latencies_ms
    mark = _R3.against_threshold([percentile(reads.load.latencies_with_failures_ms(), 99)], at_most(20)).fail_if(
        len(latencies) < len(reads.paths)
    )
    return ScenarioReport([mark], list(_notes(reads)), [reads.cost])


def measure(data: Path) -> ColdReads:
    """Measure on temporary servers, with one API process, and a worker that has caught up."""
    with start_servers(data) as up:
        up.run_command("migrate")
        with start_api(up.data) as api, start_command(up.data, "worker") as worker:
            user, token = board.register_and_log_in(api.address)
            backlog = Backlog(user)
            history.write_events(up.connection, user, backlog.generate_events())
            _wait_settled(up)
            with httpx.Client(base_url=api.address, headers={"Authorization": f"Bearer {token}"}, timeout=20) as http:
                asked = [
                    find_page_path(http, one) for one in generate_queries(backlog, WARM_UP_QUERIES + TIMED_QUERIES)
                ]
            _read_paths(api.address, token, asked[:WARM_UP_QUERIES])
            timed, pids = asked[WARM_UP_QUERIES:], up.pids | {"api": api.pid, "worker": worker.pid}
            with track_usage(pids) as used, track_wal_syncs(up.connection) as syncs:
                load = _read_paths(api.address, token, timed)
            return ColdReads(timed, load, load_cost("R3", load, used, syncs.per_second()))


def find_page_path(http: httpx.Client, query: PageQuery) -> str:
    """The path of the page at the query's depth in its list, or at the deepest one that the list has.

    If the list is refused here, its page will be refused too, and is counted when it is timed.
    """
    cursor = ""
    for _ in range(query.depth):
        cursor = http.get(query.request_path(CURSOR_PAGE_SIZE, cursor)).json().get("next_cursor") or cursor
    return query.request_path(cursor=cursor)


def _wait_settled(up: EmbeddedServers) -> None:
    """Wait until projections have caught up, and vacuum, so that autovacuum does not run during the measurement."""
    wait_caught_up(up.connection, log.head(up.connection))
    up.connection.execute("vacuum (analyze)")


def _read_paths(address: str, token: str, paths: Sequence[str]) -> LoadResult:
    """Read with one client: a slow answer delays the next queries, and the delay counts."""
    plan = LoadPlan(
        "get_in_turn",
        address,
        token,
        1,
        len(paths) / QUERIES_PER_S,
        [HttpTarget(path) for path in paths],
        QUERIES_PER_S,
        warm_up_s=0.0,
    )
    return run_module("bench.harness.load_generator", plan, LoadResult)


def _notes(reads: ColdReads) -> Iterator[str]:
    """With one client, latencies are in the order of the queries, unless one was refused."""
    yield from load_notes("R3", [reads.load])
    latencies = reads.load.latencies_ms
    if latencies and not reads.load.refused:
        slowest, where = max(zip(latencies, reads.paths, strict=False))
        answered = f"{len(latencies)} of {len(reads.paths)} questions were answered"
        yield f"R3: {answered}, half of them within {format_number(median(latencies))} ms."
        yield f"R3: the slowest took {format_number(slowest)} ms: {unquote(where)}"
