"""The application: the only place that knows which parts there are and puts them together."""

import asyncio
import contextlib
import pkgutil
from collections.abc import AsyncIterator, Iterable, Iterator
from importlib import import_module
from types import ModuleType

import redis.asyncio
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from api import endpoints
from api.http import authentication
from api.http.body import JSON, BodyRequest
from api.http.command_mode import Tried, planned
from api.http.parameters import only_known
from api.http.problems import HANDLERS
from api.http.tracing import traced
from api.ledger import BASE, Ledger
from api.response_cache import Shortcuts
from api.system import docs, event_schemas, health, metrics, problem_pages
from api.wiring import wire
from infra.database.pool import Pool, pool
from infra.messaging import clients
from infra.processes.cancel import end
from infra.settings import Settings

MOST_BODY = 1024 * 1024
ROOT = (docs, health, metrics, problem_pages, event_schemas)
"""The modules whose endpoints stand outside the base address."""


def create_app(settings: Settings) -> ASGIApp:
    """The ASGI application; it opens its connections when it starts and closes them when it ends."""
    application, shortcuts = parts(settings)
    return traced(shortcuts.before(application))


def litestar(settings: Settings) -> Litestar:
    """The application without what stands before it."""
    return parts(settings)[0]


def parts(settings: Settings) -> tuple[Litestar, Shortcuts]:
    """The application, and the shortcuts that may stand before it."""
    connections = pool(settings.database_url)
    client = clients.client(settings.redis_url)
    ledger = wire(settings, connections, client)
    shortcuts = Shortcuts(ledger.reading, ledger.rights, ledger.revoked)
    application = Litestar(
        [Router(BASE, route_handlers=[*_endpoints(_nouns())], dto=JSON), *_endpoints(ROOT)],
        dependencies={"ledger": Provide(lambda: ledger, sync_to_thread=False, use_cache=True)},
        lifespan=[lambda _: _open(ledger, connections, client)],
        on_app_init=[authentication.authentication(settings.jwt_key, ledger.tokens.find, ledger.revoked).on_app_init],
        before_request=only_known,
        exception_handlers=HANDLERS | {Tried: planned},
        request_class=BodyRequest,
        request_max_body_size=MOST_BODY,
        openapi_config=None,
        logging_config=None,
    )
    return application, shortcuts


def _nouns() -> Iterable[ModuleType]:
    """Every module of the endpoints."""
    return (import_module(f"{endpoints.__name__}.{found.name}") for found in pkgutil.iter_modules(endpoints.__path__))


def _endpoints(modules: Iterable[ModuleType]) -> Iterator[HTTPRouteHandler]:
    for module in modules:
        yield from (value for value in vars(module).values() if isinstance(value, HTTPRouteHandler))


@contextlib.asynccontextmanager
async def _open(ledger: Ledger, connections: Pool, client: redis.asyncio.Redis) -> AsyncIterator[None]:
    await connections.open()
    await ledger.revoked.catch_up()  # before anybody is let in
    ledger.hints.start()
    running = (ledger.channel.listen(), ledger.revoked.listen(), ledger.projected.watch())
    listening = [asyncio.create_task(part) for part in running]
    try:
        yield
    finally:
        await end(*listening)
        await ledger.channel.close()
        await asyncio.to_thread(ledger.hints.stop)
        ledger.mail.close()
        await client.aclose(close_connection_pool=True)
        await connections.close()
