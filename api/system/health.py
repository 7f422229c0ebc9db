"""Health checks: liveness and readiness, for load balancers and supervisors; neither asks another server."""

from litestar.exceptions import ServiceUnavailableException
from msgspec import Struct

from api.function_endpoint import get
from api.http.response import Response
from api.ledger import Ledger


class Health(Struct, frozen=True):
    status: str


@get("/health", is_public=True)
async def health() -> Response[Health]:
    """Public health check; no details."""
    return Response(Health("ok"))


@get("/health/live", is_public=True)
async def live() -> Response[Health]:
    """Liveness check: this process answers."""
    return Response(Health("ok"))


@get("/health/ready", is_public=True)
async def ready(ledger: Ledger) -> Response[Health]:
    """Readiness check: the database answers, can write and has all migrations and read models; no stop is under way."""
    if ledger.draining.is_set():
        raise ServiceUnavailableException("This process is about to stop.")
    if obstacle := ledger.readiness.obstacle():
        raise ServiceUnavailableException(obstacle)
    if not await ledger.log.disk_space.is_available():
        raise ServiceUnavailableException("The disk of the database is full.")
    return Response(Health("ok"))
