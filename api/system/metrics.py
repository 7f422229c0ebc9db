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
from infra.reading.cache_stats import Counted
from infra.reading.cached_answer import Snapshot
from infra.reading.memory_cache import Hot
from projections.engine.status import Status

FORMAT = "text/plain; version=0.0.4"
GAUGES = {
    "position": ("position", "The last event that the projection has folded."),
    "lag_events": ("lag_events", "How many events it has not folded."),
    "lag_seconds": ("lag_seconds", "How old the first event is that it has not folded."),
    "events_per_second": ("events_per_s", "How many events it folds just now."),
    "parked_documents": ("parked", "How many documents it shows no further."),
    "rebuild_seconds": ("rebuild_seconds", "How long a rebuild is expected to take."),
}
"""The fields of a Status, by what follows `taskledger_projection_`."""


class Statuses(Collector):
    """What one query has found, as gauges."""

    def __init__(self, found: Sequence[Status]) -> None:
        self._found = found

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "taskledger_log_position", "The last event of the log.", max(one.head for one in self._found)
        )
        for name, (field, sentence) in GAUGES.items():
            gauge = GaugeMetricFamily(f"taskledger_projection_{name}", sentence, labels=["projection"])
            for one in self._found:
                gauge.add_metric([one.name], getattr(one, field))
            yield gauge


class Answers(Collector):
    """Where this process got its answers from, and how old they were."""

    def __init__(self, counted: Counted, hot: Hot[Snapshot]) -> None:
        self._counted, self._hot = counted, hot

    def collect(self) -> Iterator[Metric]:
        hits = CounterMetricFamily("taskledger_cache_hits", "Answers that a layer had.", labels=["layer"])
        misses = CounterMetricFamily("taskledger_cache_misses", "Answers that a layer had not.", labels=["layer"])
        ages = SummaryMetricFamily("taskledger_cache_age_seconds", "How old those were that it had.", labels=["layer"])
        for layer, count in self._counted.hits.items():
            hits.add_metric([layer], count)
            ages.add_metric([layer], count, self._counted.seconds[layer])
        for layer, count in self._counted.misses.items():
            misses.add_metric([layer], count)
        yield from (hits, misses, ages)
        yield GaugeMetricFamily("taskledger_cache_answers", "Answers in the memory of this process.", len(self._hot))
        yield GaugeMetricFamily("taskledger_cache_bytes", "The memory that they take.", self._hot.bytes)
        yield CounterMetricFamily("taskledger_cache_evicted", "Answers that had no room there.", self._hot.evicted)


@get("/metrics", opt=PUBLIC, media_type=FORMAT)
async def metrics(ledger: NamedDependency[Ledger]) -> Response[bytes]:
    """The log, each projection, and the caches of the process that answers, in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(Answers(ledger.reading.counted, ledger.hot))
    with contextlib.suppress(psycopg.OperationalError, psycopg.InterfaceError):  # the rest is worth telling then too
        registry.register(Statuses(await ledger.operating.statuses()))
    return Response(generate_latest(registry), media_type=FORMAT)
