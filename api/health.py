"""Health: is this process alive, and can it do its work."""

from litestar import Response, get
from litestar.di import NamedDependency
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
    await ledger.log.head()
    return Response(Health("ok"))
