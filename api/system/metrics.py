"""Metrics: how the projections and the caches are, as Prometheus collects it."""

import contextlib
from collections.abc import Iterator, Sequence

import psycopg
from litestar import Response, get
from litestar.di import NamedDependency
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from api.http.authentication import PUBLIC
from api.ledger import Ledger
from infra.reading.cache_stats import CacheStats
from infra.reading.cached_answer import CachedAnswer
from infra.reading.memory_cache import MemoryCache
from infra.rebuilding.projection_status import ProjectionStatus

PROMETHEUS_MEDIA_TYPE = "text/plain; version=0.0.4"
PROJECTION_GAUGES = {
    "position": ("position", "The last event that the projection has folded."),
    "lag_events": ("lag_events", "How many events it has not folded."),
    "lag_seconds": ("lag_seconds", "How old the first event is that it has not folded."),
    "events_per_second": ("events_per_s", "How many events it folds just now."),
    "parked_documents": ("parked", "How many documents it shows no further."),
    "rebuild_seconds": ("rebuild_seconds", "How long a rebuild is expected to take."),
}
"""The fields of a Status, by what follows `taskledger_projection_`."""


class ProjectionCollector(Collector):
    """What one query has found, as gauges."""

    def __init__(self, statuses: Sequence[ProjectionStatus]) -> None:
        self._statuses = statuses

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "taskledger_log_position", "The last event of the log.", max(one.head for one in self._statuses)
        )
        for name, (field, sentence) in PROJECTION_GAUGES.items():
            gauge = GaugeMetricFamily(f"taskledger_projection_{name}", sentence, labels=["projection"])
            for status in self._statuses:
                gauge.add_metric([status.name], getattr(status, field))
            yield gauge


class CacheCollector(Collector):
    """Where this process got its answers from, and how old they were."""

    def __init__(self, stats: CacheStats, memory_cache: MemoryCache[CachedAnswer]) -> None:
        self._stats, self._memory_cache = stats, memory_cache

    def collect(self) -> Iterator[Metric]:
        hits = CounterMetricFamily("taskledger_cache_hits", "Answers that a layer had.", labels=["layer"])
        misses = CounterMetricFamily("taskledger_cache_misses", "Answers that a layer had not.", labels=["layer"])
        ages = SummaryMetricFamily("taskledger_cache_age_seconds", "How old those were that it had.", labels=["layer"])
        for layer, count in self._stats.hits.items():
            hits.add_metric([layer], count)
            ages.add_metric([layer], count, self._stats.total_age_s[layer])
        for layer, count in self._stats.misses.items():
            misses.add_metric([layer], count)
        yield from (hits, misses, ages)
        yield GaugeMetricFamily(
            "taskledger_cache_answers", "Answers in the memory of this process.", len(self._memory_cache)
        )
        yield GaugeMetricFamily("taskledger_cache_bytes", "The memory that they take.", self._memory_cache.size_bytes)
        yield CounterMetricFamily(
            "taskledger_cache_evicted", "Answers that had no room there.", self._memory_cache.evictions
        )


@get("/metrics", opt=PUBLIC, media_type=PROMETHEUS_MEDIA_TYPE)
async def metrics(ledger: NamedDependency[Ledger]) -> Response[bytes]:
    """The log, each projection, and the caches of the process that answers, in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(CacheCollector(ledger.reader.cache_stats, ledger.memory_cache))
    with contextlib.suppress(psycopg.OperationalError, psycopg.InterfaceError):  # the rest is worth telling then too
        registry.register(ProjectionCollector(await ledger.projection_admin.statuses()))
    return Response(generate_latest(registry), media_type=PROMETHEUS_MEDIA_TYPE)
