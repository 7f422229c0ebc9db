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
from commands.handling.handler import Handling
from infra.column_counts import Counting
from infra.database.pool import Pool, pool
from infra.delivery.mail import Mail
from infra.identity.invitations import Invitations
from infra.identity.passwords import Credentials
from infra.identity.permission_revocations import Ended
from infra.identity.permissions import Rights
from infra.identity.proxies import Proxies
from infra.identity.rate_limits import Limits
from infra.identity.revocations import Revoked
from infra.identity.sessions import Sessions
from infra.identity.tokens import Tokens
from infra.log import EventLog
from infra.messaging import broker, clients
from infra.messaging.hints import Hints
from infra.messaging.subscription import Channel
from infra.processes.cancel import end
from infra.reading.cached_answer import Snapshot
from infra.reading.memory_cache import Hot
from infra.reading.progress import Projected
from infra.reading.reader import Reading
from infra.reading.shared_cache import Kept
from infra.reading.tables import Querying
from infra.rebuilding.admin import Operating
from infra.settings import Settings

MOST_BODY = 1024 * 1024
HOT_BYTES = 64 * 2**20
"""Of the answers that a process keeps in memory."""
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


def wire(settings: Settings, connections: Pool, client: redis.asyncio.Redis) -> Ledger:
    """All parts of one process, not yet opened."""
    log = EventLog(settings.database_url, connections)
    revoked = Revoked(connections)
    channel = Channel(clients.listening_client(settings.redis_url))
    hot: Hot[Snapshot] = Hot(HOT_BYTES)
    projected = Projected(channel, connections, settings.partitions, hot)
    querying, rights = Querying(connections), Rights(log, connections, channel)
    handling = Handling(log)
    return Ledger(
        settings=settings,
        log=log,
        handling=handling,
        counting=Counting(log, handling, connections, projected),
        channel=channel,
        hot=hot,
        querying=querying,
        reading=Reading(connections, querying, Kept(client), projected, hot),
        projected=projected,
        rights=rights,
        ended=Ended(channel, client, rights, connections),
        credentials=Credentials(connections),
        sessions=Sessions(connections, revoked, settings.jwt_key),
        tokens=Tokens(connections, revoked),
        revoked=revoked,
        limits=Limits(client, settings.jwt_key, on=settings.rate_limits == "on"),
        proxies=Proxies(settings.trusted_proxies),
        hints=Hints(broker.broker(settings.broker_url), projected, settings.partitions),
        operating=Operating(connections),
        invitations=Invitations(connections, log),
        mail=Mail(settings),
    )


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
