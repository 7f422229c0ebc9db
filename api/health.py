"""Health: is this process alive, and can it do its work."""

import psycopg
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import ServiceUnavailableException
from msgspec import Struct

from api.auth import PUBLIC
from api.ledger import Ledger


class Health(Struct, frozen=True):
    status: str


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
        is_ready = await ledger.reading.are_ready()
    except psycopg.Error as error:
        raise ServiceUnavailableException("The database does not answer.") from error
    if not is_ready:
        raise ServiceUnavailableException("Read models are being built.")
    return Response(Health("ok"))
