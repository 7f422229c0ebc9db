"""An application in this process, opened by a test that needs one of another kind, or one for many rows of a table."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

import httpx
import msgspec
import psycopg
import redis
from litestar import Litestar

from api.app import create_app_and_cache
from api.http.tracing import with_tracing
from infra.settings import Settings
from infra.worker.projector import Projector
from tests.api import openapi_contract
from tests.instant_progress import instant_publisher

UNREACHABLE_REDIS_URL = "redis://127.0.0.1:1/0"
"""An address that refuses every connection."""


def without_a_database(settings: Settings) -> Settings:
    """The same, where PostgreSQL is away."""
    return msgspec.structs.replace(settings, database_url="postgresql://nobody@127.0.0.1:1/none")


def park_document(settings: Settings) -> None:
    """Let the task list show one document no further."""
    with psycopg.connect(settings.database_url) as connection:
        connection.execute(
            """insert into read.parked (build, document, position, reason)
               select build, 'milk', 1, 'sour' from read.serving where projection = 'task_list'"""
        )


@contextlib.asynccontextmanager
async def app_client(settings: Settings, client_address: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    """An application of its own, visited from an address; an answer that is not described fails who asked for it."""
    (app, shortcuts), holds = create_app_and_cache(settings), openapi_contract.app_contract().check
    transport = httpx.ASGITransport(cast("Any", with_tracing(shortcuts.wrap(app))), client=(client_address, 1))
    async with lifespan_task(app), httpx.AsyncClient(transport=transport, base_url="http://test/api/v1") as client:
        client.event_hooks["response"] = [holds]
        yield client


@contextlib.asynccontextmanager
async def lifespan_task(app: Litestar) -> AsyncIterator[None]:
    """The application's lifespan in one task of its own: a fixture's two halves run in two."""
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
    """What a worker does when it looks."""
    with redis.Redis.from_url(settings.redis_url) as cache:
        projector = Projector(settings.database_url, settings.partitions, instant_publisher(cache))

        def project_all() -> None:
            for partition in range(settings.partitions):
                projector.project(partition)

        yield project_all
        projector.close()
