"""Health: is this process alive, and can it do its work."""

import psycopg
import psycopg_pool
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import ServiceUnavailableException
from msgspec import Struct

from api.auth import PUBLIC
from api.ledger import Ledger


class Health(Struct, frozen=True):
    status: str


@get(["/health", "/health/live"], opt=PUBLIC)
async def live() -> Health:
    """This process answers."""
    return Health("ok")


@get("/health/ready", opt=PUBLIC)
async def ready(ledger: NamedDependency[Ledger]) -> Response[Health]:
    """The log answers too, so commands and queries can be served."""
    try:
        await ledger.log.head()
    except (psycopg.Error, psycopg_pool.PoolTimeout) as error:
        raise ServiceUnavailableException("The database does not answer.") from error
    return Response(Health("ok"))
