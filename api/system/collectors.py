"""Collectors: the metrics of the projections, the caches, the connections, and the servers that a process needs."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from api.connections.stats import ConnectionStats
from infra.admission import Admission
from infra.database.pool import Pool
from infra.reading.cache_stats import CacheStats
from infra.reading.cached_answer import CachedAnswer
from infra.reading.memory_cache import MemoryCache
from infra.reading.shared_cache import SharedCache
from infra.rebuilding.projection_status import ProjectionStatus

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
            ("requests_waiting", "Requests that wait for something other than a place.", self._admission.waiting.total),
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


class DependencyCollector(Collector):
    """Whether PostgreSQL and the cache are asked at all, and what their outages have cost so far."""

    def __init__(self, pool: Pool, shared_cache: SharedCache) -> None:
        self._pool, self._shared_cache = pool, shared_cache

    def collect(self) -> Iterator[Metric]:
        circuit = GaugeMetricFamily(
            "taskledger_circuit_open", "1 while a server is not asked, because it does not answer.", labels=["server"]
        )
        circuit.add_metric(["postgresql"], self._pool.circuit.is_open)
        circuit.add_metric(["cache"], self._shared_cache.is_paused())
        yield circuit
        yield CounterMetricFamily(
            "taskledger_database_outages", "Outages of PostgreSQL.", self._pool.circuit.opened_count
        )
        yield GaugeMetricFamily(
            "taskledger_database_connections_in_use", "Connections that requests hold.", len(self._pool.checkouts)
        )
        yield CounterMetricFamily(
            "taskledger_database_connections_cut",
            "Connections cut off because a request held them for too long.",
            self._pool.checkouts.cut_count,
        )
