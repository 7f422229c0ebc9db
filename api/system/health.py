"""Health: is this process alive, and can it do its work."""

from typing import Literal

import psycopg
from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import ServiceUnavailableException
from msgspec import Struct

from api.http.authentication import PUBLIC
from api.http.response import Response
from api.ledger import Asked, Ledger
from projections.engine.status import State, Status

FRESH_S = 60.0
"""A projection that is further behind is not well."""


class Health(Struct, frozen=True):
    status: str


class Part(Struct, frozen=True):
    """How one projection is."""

    name: str
    status: Literal["ok", "degraded"]
    state: State
    lag_events: int
    lag_seconds: float
    parked: int


class Detailed(Struct, frozen=True):
    """How everything is that answers depend on; whoever reads it has an answer of the database in hand."""

    status: Literal["ok", "degraded"]
    database: Literal["ok"]
    position: int
    projections: list[Part]


@get("/health", opt=PUBLIC)
async def health() -> Health:
    """All is well, as far as strangers are told."""
    return Health("ok")


@get("/health/live", opt=PUBLIC)
async def live() -> Health:
    """This process answers."""
    return Health("ok")


@get("/health/ready", opt=PUBLIC)
async def ready(ledger: NamedDependency[Ledger]) -> Response[Health]:
    """The log answers, and every read model has been built for this code: commands and queries can be served."""
    try:
        is_ready = await ledger.querying.are_ready()
    except psycopg.Error as error:
        raise ServiceUnavailableException("The database does not answer.") from error
    if not is_ready:
        raise ServiceUnavailableException("Read models are being built.")
    return Response(Health("ok"))


@get("/health/detailed")
async def detailed(request: Asked, ledger: NamedDependency[Ledger]) -> Response[Detailed]:
    """How the database and each projection are; `degraded` with parked documents, no build, or a minute of lag."""
    await ledger.may_operate(request)
    found = await ledger.operating.statuses()
    parts = [_part(one) for one in found]
    status: Literal["ok", "degraded"] = "ok" if all(part.status == "ok" for part in parts) else "degraded"
    answer = Detailed(status, "ok", max(one.head for one in found), parts)
    return Response(answer, headers={"Cache-Control": "no-store"})


def _part(one: Status) -> Part:
    is_well = one.build is not None and not one.parked and one.lag_seconds <= FRESH_S
    return Part(one.name, "ok" if is_well else "degraded", one.state, one.lag_events, one.lag_seconds, one.parked)
