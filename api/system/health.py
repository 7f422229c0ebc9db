"""Health checks: liveness, readiness, and details for administrators."""

from typing import Literal

import psycopg
from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import ServiceUnavailableException
from msgspec import Struct

from api.http.authentication import PUBLIC
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from infra.rebuilding.projection_status import ProjectionState, ProjectionStatus

MAX_LAG_S = 60.0
"""A projection with more lag is degraded."""


class Health(Struct, frozen=True):
    status: str


class ProjectionHealth(Struct, frozen=True):
    """The health of one projection."""

    name: str
    status: Literal["ok", "degraded"]
    state: ProjectionState
    lag_events: int
    lag_seconds: float
    parked: int


class DetailedHealth(Struct, frozen=True):
    """The health of what answers depend on; `database` is always `ok`, because this was read from it."""

    status: Literal["ok", "degraded"]
    database: Literal["ok"]
    position: int
    projections: list[ProjectionHealth]


@get("/health", opt=PUBLIC)
async def health() -> Health:
    """Public health check; no details."""
    return Health("ok")


@get("/health/live", opt=PUBLIC)
async def live() -> Health:
    """Liveness check: this process answers."""
    return Health("ok")


@get("/health/ready", opt=PUBLIC)
async def ready(ledger: NamedDependency[Ledger]) -> Response[Health]:
    """Readiness check: the database answers, every read model has been built for this version, no stop is under way."""
    if ledger.draining.is_set():
        raise ServiceUnavailableException("This process is about to stop.")
    try:
        is_ready = await ledger.read_tables.is_ready()
    except psycopg.Error as error:
        raise ServiceUnavailableException("The database does not answer.") from error
    if not is_ready:
        raise ServiceUnavailableException("Read models are being built.")
    return Response(Health("ok"))


@get("/health/detailed")
async def detailed(request: AuthedRequest, ledger: NamedDependency[Ledger]) -> Response[DetailedHealth]:
    """Health of the database and each projection: `degraded` with parked documents, no build, or a minute of lag."""
    await ledger.require_operator(request)
    statuses = await ledger.projection_admin.statuses()
    projections = [_projection_health(one) for one in statuses]
    status: Literal["ok", "degraded"] = "ok" if all(part.status == "ok" for part in projections) else "degraded"
    answer = DetailedHealth(status, "ok", max(one.head for one in statuses), projections)
    return Response(answer, headers={"Cache-Control": "no-store"})


def _projection_health(status: ProjectionStatus) -> ProjectionHealth:
    is_ok = status.build is not None and not status.parked and status.lag_seconds <= MAX_LAG_S
    return ProjectionHealth(
        status.name, "ok" if is_ok else "degraded", status.state, status.lag_events, status.lag_seconds, status.parked
    )
