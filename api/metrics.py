"""Metrics: how the projections are, as Prometheus collects it."""

from collections.abc import Iterator, Sequence

from litestar import Response, get
from litestar.di import NamedDependency
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.auth import PUBLIC
from api.ledger import Ledger
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


@get("/metrics", opt=PUBLIC, media_type=FORMAT)
async def metrics(ledger: NamedDependency[Ledger]) -> Response[bytes]:
    """The position of the log, and how far each projection is, in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(Statuses(await ledger.operating.statuses()))
    return Response(generate_latest(registry), media_type=FORMAT)
