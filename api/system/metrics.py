"""Metrics: the state of the log, the projections, the caches and the connections, in the format of Prometheus.

On the main port they need the administrator's token; on a port of their own, which the operator protects, they do not.
"""

import contextlib

import psycopg
from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from prometheus_client import CollectorRegistry, generate_latest

from api.function_endpoint import get
from api.http.problem_document import problem_response
from api.http.problems import title_of
from api.http.response import Response
from api.ledger import Ledger
from api.system.collectors import CacheCollector, DependencyCollector, HttpCollector, ProjectionCollector
from infra import time_budget
from infra.database.pool import run_with_timeout

METRICS_PATH = "/metrics"
PROMETHEUS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@get(METRICS_PATH, media_type=PROMETHEUS_MEDIA_TYPE, guard=Ledger.require_operator)
async def metrics(ledger: Ledger) -> Response[bytes]:
    """Show the metrics of the log, the projections and the caches of this process, in the text format of Prometheus.

    For administrators of this installation. `TASKLEDGER_METRICS_PORT` serves the same without a token.
    """
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
            response = problem_response(Request(scope), 404, "not_found", title_of("not_found", 404))
        await response.to_asgi_response(None, None)(scope, receive, send)

    return middleware


async def _metrics_response(ledger: Ledger) -> Response[bytes]:
    registry = CollectorRegistry()
    registry.register(CacheCollector(ledger.reader.cache_stats, ledger.memory_cache))
    registry.register(HttpCollector(ledger.connection_stats, ledger.admission))
    registry.register(DependencyCollector(ledger.pool, ledger.reader.shared_cache))
    with contextlib.suppress(psycopg.OperationalError, psycopg.InterfaceError):  # the others need no database
        statuses = await run_with_timeout(ledger.projection_admin.statuses(), time_budget.READ_S)
        registry.register(ProjectionCollector(statuses))
    return Response(generate_latest(registry), media_type=PROMETHEUS_MEDIA_TYPE)
