"""Applications in this process, for tests that need special settings or share one over many cases."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast
from uuid import uuid4

import httpx
import msgspec
import psycopg
import redis
from litestar import Litestar

from api.app import create_app_and_cache, with_middleware
from infra.settings import Settings
from infra.worker.projector import Projector
from tests.api import openapi_contract
from tests.instant_progress import instant_publisher

UNREACHABLE_REDIS_URL = "redis://127.0.0.1:1/0"
"""A URL that refuses every connection."""


def unused_address() -> str:
    """A client address that no other test has used up the limits of."""
    return f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"


def without_a_database(settings: Settings) -> Settings:
    """The same settings, with PostgreSQL unavailable."""
    return msgspec.structs.replace(settings, database_url="postgresql://nobody@127.0.0.1:1/none")


def park_document(settings: Settings) -> None:
    """Park one document of the task list."""
    with psycopg.connect(settings.database_url) as connection:
        connection.execute(
            """insert into read.parked (build, document, position, reason)
               select build, 'milk', 1, 'sour' from read.serving where projection = 'task_list'"""
        )


@contextlib.asynccontextmanager
async def app_client(settings: Settings, client_address: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    """A client of its own application, from a client address; an undescribed response fails the request."""
    async with app_clients(settings, client_address) as (client,):
        yield client


@contextlib.asynccontextmanager
async def app_clients(settings: Settings, *client_addresses: str) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of one application, from these addresses."""
    app, response_cache = create_app_and_cache(settings)
    wrapped, check_response = with_middleware(app, response_cache), openapi_contract.app_contract().check
    async with lifespan_task(app), contextlib.AsyncExitStack() as ending:
        clients = list[httpx.AsyncClient]()
        for address in client_addresses:
            transport = httpx.ASGITransport(cast("Any", wrapped), client=(address, 1))
            client = httpx.AsyncClient(transport=transport, base_url="http://test/api/v1")
            client.event_hooks["response"] = [check_response]
            clients.append(await ending.enter_async_context(client))
        yield clients


@contextlib.asynccontextmanager
async def lifespan_task(app: Litestar) -> AsyncIterator[None]:
    """Run the application's lifespan in one task: the two halves of a fixture run in two."""
    started, ended = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await ended.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(live())
        await started.wait()
        yield
        ended.set()


@contextlib.contextmanager
def manual_projector(settings: Settings) -> Iterator[Callable[[], None]]:
    """Fold all that there is, as a polling worker does."""
    with redis.Redis.from_url(settings.redis_url) as cache:
        projector = Projector(settings.database_url, settings.partitions, instant_publisher(cache))

        def project_all() -> None:
            for partition in range(settings.partitions):
                while projector.project(partition):  # it returns after a second, even if there is more
                    pass

        yield project_all
        projector.close()
