"""The application: assembles endpoints, authentication, error handling and the life cycle."""

import asyncio
import contextlib
import pkgutil
from collections.abc import AsyncIterator, Iterator
from functools import partial
from importlib import import_module
from typing import Any

import redis.asyncio
from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp

from api import endpoints
from api.http.authentication import Authentication, TokenVerifier
from api.http.compression import with_compression
from api.http.cors import CorsPolicy, with_cors
from api.http.deadline import with_deadline
from api.http.endpoint import Endpoint, endpoints_in
from api.http.head_requests import with_head
from api.http.problems import EXCEPTION_HANDLERS, error_app, framework_error_response, refusal_response
from api.http.rate_limiting import RequestLimiter
from api.http.resource import create_application
from api.http.response import Response
from api.http.tracing import with_tracing
from api.ledger import BASE_PATH, Ledger
from api.response_cache import ResponseCache
from api.system import detailed_health, docs, event_schemas, health, home, metrics, problem_pages
from api.wiring import wire
from domain.errors import TooManyRequests
from infra import time_budget
from infra.background import keep_running, log_unexpected
from infra.cancel import cancel_all
from infra.database.pool import Pool, create_pool
from infra.messaging import redis_clients
from infra.settings import Settings
from infra.writer.role import ALONE, WriterRole

SYSTEM_MODULES = (home, docs, health, detailed_health, metrics, problem_pages, event_schemas)
"""The modules whose endpoints are outside the base path."""


def create_app(settings: Settings, metrics_port: int | None = None, role: WriterRole = ALONE) -> tuple[ASGIApp, Ledger]:
    """The ASGI application, and its parts; it opens its connections on start-up and closes them on shutdown.

    Connections to `metrics_port` get metrics only.
    """
    application, response_cache = create_app_and_cache(settings, role)
    ledger: Ledger = application.state.ledger
    return with_middleware(application, response_cache, metrics_port), ledger


def with_middleware(application: Litestar, response_cache: ResponseCache, metrics_port: int | None = None) -> ASGIApp:
    """The application with all of its middleware: the framework's own would not run for 404 and 405.

    Answers from the cache need no deadline, as they wait for nothing.
    """
    app = response_cache.wrap(with_deadline(application, error_app))
    if metrics_port is not None:
        app = metrics.with_metrics_port(app, application.state.ledger, metrics_port)
    app = with_head(with_compression(app))
    cors_policy = CorsPolicy(application.state.ledger.settings.cors_origins)
    if cors_policy.allows_any():
        app = with_cors(app, cors_policy)
    return with_tracing(app)


def create_app_and_cache(settings: Settings, role: WriterRole = ALONE) -> tuple[Litestar, ResponseCache]:
    """The application, and the response cache that can wrap it."""
    connections = create_pool(settings.database_url)
    redis_client = redis_clients.cache_client(settings.redis_url)
    ledger = wire(settings, connections, redis_client, role)
    response_cache = ResponseCache(ledger.reader, ledger.permissions, ledger.revoked_ids, ledger.limiter)
    every_endpoint = list(all_endpoints())
    application = create_application(
        every_endpoint,
        Authentication(TokenVerifier(settings.jwt_keys, ledger.tokens.find, ledger.revoked_ids), ledger.limiter),
        ledger,
        lifespan=[lambda _: _lifespan(ledger, connections, redis_client)],
        exception_handlers={**EXCEPTION_HANDLERS, HTTPException: partial(_counted_error_response, ledger.limiter)},
        state=State({"ledger": ledger, "endpoints": every_endpoint}),
    )
    return application, response_cache


def _counted_error_response(
    limiter: RequestLimiter, request: Request[Any, Any, Any], error: HTTPException
) -> Response[bytes]:
    """An error of the framework; one that it found before any handler is counted here."""
    if request.scope["path"].startswith(BASE_PATH):
        try:
            limiter.count_unrouted(request)
        except TooManyRequests as refusal:
            return refusal_response(request, refusal)
    return framework_error_response(request, error)


def all_endpoints() -> Iterator[Endpoint]:
    """Every endpoint: those of the API, whose requests are counted, and those of the system."""
    names = (f"{endpoints.__name__}.{module_info.name}" for module_info in pkgutil.iter_modules(endpoints.__path__))
    yield from endpoints_in(map(import_module, names), BASE_PATH, is_limited=True)
    yield from endpoints_in(SYSTEM_MODULES)


@contextlib.asynccontextmanager
async def _lifespan(ledger: Ledger, connections: Pool, redis_client: redis.asyncio.Redis) -> AsyncIterator[None]:
    await connections.open()
    await ledger.revoked_ids.try_poll()  # before the first request
    ledger.hints.start()
    loops = {
        "the subscription": ledger.subscription.listen,
        "polling revocations": ledger.revoked_ids.poll_forever,
        "polling the checkpoints": ledger.progress_poller.poll_forever,
        "watching the migrations": ledger.readiness.watch_migrations,
        "loading the administrator": ledger.permissions.remember_administrator,
        "settling rate limits": ledger.limiter.settle_forever,
        "recording refused sign-ins": ledger.sign_in_refusals.record_forever,
    }
    if ledger.writer_client:
        loops["the connection to the writer"] = ledger.writer_client.connect_forever
    if ledger.writer_server:
        await ledger.writer_server.start()
    background_tasks = [asyncio.create_task(keep_running(name, run), name=name) for name, run in loops.items()]
    try:
        await ledger.readiness.wait_until_known(time_budget.DATABASE_CONNECT_S)
        yield
    finally:
        if ledger.writer_server:
            await ledger.writer_server.close()
        await cancel_all(*background_tasks)
        await _record_last_refusals(ledger)
        await ledger.subscription.close()
        await asyncio.to_thread(ledger.hints.stop)
        await ledger.account_mail.close()
        ledger.mail.close()
        ledger.blobs.close()
        await redis_client.aclose(close_connection_pool=True)
        await connections.close()


async def _record_last_refusals(ledger: Ledger) -> None:
    """Record what is counted of refused sign-ins; without the database it is lost."""
    try:
        async with asyncio.timeout(time_budget.APPEND_S):
            await ledger.sign_in_refusals.record()
    except Exception as error:  # noqa: BLE001 - the process stops all the same
        log_unexpected("recording refused sign-ins", error)
