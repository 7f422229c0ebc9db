"""Metrics: the state of the log, the projections, the caches and the connections, in the format of Prometheus.

On the main port they need the administrator's token; on a port of their own, which the operator protects, they do not.
"""

import contextlib
from collections.abc import Iterator, Sequence

import psycopg
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from api.http.connection_stats import ConnectionStats
from api.http.problems import problem_response, status_phrase
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from infra.admission import Admission
from infra.reading.cache_stats import CacheStats
from infra.reading.cached_answer import CachedAnswer
from infra.reading.memory_cache import MemoryCache
from infra.rebuilding.projection_status import ProjectionStatus

METRICS_PATH = "/metrics"
PROMETHEUS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PROJECTION_GAUGES = {
    "position": ("position", "The position of the last event that the projection has folded."),
    "lag_events": ("lag_events", "The number of events that it has not folded yet."),
    "lag_seconds": ("lag_seconds", "The age of the first event that it has not folded yet."),
    "events_per_second": ("events_per_s", "The rate at which it is folding events."),
    "parked_documents": (
        "parked",
        "Documents that stopped updating because an event could not be applied.",
    ),
    "rebuild_seconds": ("rebuild_seconds", "The expected duration of a rebuild."),
}
"""The fields of a ProjectionStatus and their help texts, by the metric name after `taskledger_projection_`."""


class ProjectionCollector(Collector):
    """Gauges of the projections' statuses."""

    def __init__(self, statuses: Sequence[ProjectionStatus]) -> None:
        self._statuses = statuses

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "taskledger_log_position",
            "The position of the log's last event.",
            max(one.head for one in self._statuses),
        )
        for name, (field, sentence) in PROJECTION_GAUGES.items():
            gauge = GaugeMetricFamily(f"taskledger_projection_{name}", sentence, labels=["projection"])
            for status in self._statuses:
                gauge.add_metric([status.name], getattr(status, field))
            yield gauge


class CacheCollector(Collector):
    """Hits, misses and ages of this process's caches, and the size of the in-process one."""

    def __init__(self, stats: CacheStats, memory_cache: MemoryCache[CachedAnswer]) -> None:
        self._stats, self._memory_cache = stats, memory_cache

    def collect(self) -> Iterator[Metric]:
        hits = CounterMetricFamily("taskledger_cache_hits", "Answers found in a layer.", labels=["layer"])
        misses = CounterMetricFamily("taskledger_cache_misses", "Answers not found in a layer.", labels=["layer"])
        ages = SummaryMetricFamily(
            "taskledger_cache_age_seconds", "The age of answers found in a layer.", labels=["layer"]
        )
        for layer, count in self._stats.hits.items():
            hits.add_metric([layer], count)
            ages.add_metric([layer], count, self._stats.total_age_s[layer])
        for layer, count in self._stats.misses.items():
            misses.add_metric([layer], count)
        yield from (hits, misses, ages)
        yield GaugeMetricFamily("taskledger_cache_answers", "Answers in the in-process cache.", len(self._memory_cache))
        yield GaugeMetricFamily(
            "taskledger_cache_bytes", "The size of the in-process cache.", self._memory_cache.size_bytes
        )
        yield CounterMetricFamily(
            "taskledger_cache_evicted", "Answers evicted from the in-process cache.", self._memory_cache.evictions
        )


class HttpCollector(Collector):
    """The connections and requests of this process, and what it refused."""

    def __init__(self, stats: ConnectionStats, admission: Admission) -> None:
        self._stats, self._admission = stats, admission

    def collect(self) -> Iterator[Metric]:
        for name, sentence, value in (
            ("connections", "Open connections.", self._stats.open),
            ("body_bytes", "The size of request bodies that are arriving or in progress.", self._stats.body_bytes),
            ("requests_in_progress", "Requests in progress that take a place.", self._admission.in_progress),
            ("requests_waiting", "Requests that wait for a read model.", self._admission.waiting),
            ("request_limit", "Requests in progress above which others are refused.", self._admission.limit),
        ):
            yield GaugeMetricFamily(f"taskledger_http_{name}", sentence, value)
        handled = "Requests handled, other than those for health and metrics."
        yield CounterMetricFamily("taskledger_http_requests_handled", handled, self._admission.handled)
        for name, sentence, counts in (
            ("refused", "Requests and connections refused, by problem.", self._stats.refused),
            ("connections_closed", "Connections closed without a problem, by reason.", self._stats.closed),
        ):
            family = CounterMetricFamily(f"taskledger_http_{name}", sentence, labels=["reason"])
            for reason, count in sorted(counts.items()):
                family.add_metric([reason], count)
            yield family


@get(METRICS_PATH, media_type=PROMETHEUS_MEDIA_TYPE)
async def metrics(request: AuthedRequest, ledger: NamedDependency[Ledger]) -> Response[bytes]:
    """Show the metrics of the log, the projections and the caches of this process, in the text format of Prometheus.

    For administrators of this installation. `TASKLEDGER_METRICS_PORT` serves the same without a token.
    """
    await ledger.require_operator(request)
    return await _metrics_response(ledger)


def with_metrics_port(app: ASGIApp, ledger: Ledger, port: int) -> ASGIApp:
    """Wrap the application: connections to `port` get the metrics and nothing else."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        server = scope.get("server")
        if scope["type"] != ScopeType.HTTP or not server or server[1] != port:
            await app(scope, receive, send)
            return
        if (scope["method"], scope["path"]) == ("GET", METRICS_PATH):
            response = await _metrics_response(ledger)
        else:
            response = problem_response(Request(scope), 404, "not_found", status_phrase(404))
        await response.to_asgi_response(None, None)(scope, receive, send)

    return middleware


async def _metrics_response(ledger: Ledger) -> Response[bytes]:
    registry = CollectorRegistry()
    registry.register(CacheCollector(ledger.reader.cache_stats, ledger.memory_cache))
    registry.register(HttpCollector(ledger.connection_stats, ledger.admission))
    with contextlib.suppress(psycopg.OperationalError, psycopg.InterfaceError):  # the others need no database
        registry.register(ProjectionCollector(await ledger.projection_admin.statuses()))
    return Response(generate_latest(registry), media_type=PROMETHEUS_MEDIA_TYPE)
