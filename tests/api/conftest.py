"""One application and one database for all of these tests, each test with users of its own."""

from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio

from infra.logs import logger
from infra.settings import Settings
from tests.api import contract
from tests.api.opened import folding, opened
from tests.mailbox import Mailbox, mailbox
from tests.servers import Servers
from tests.visitor import Visitor


@pytest.fixture(scope="package", autouse=True)
def described() -> None:
    """Read the description from the code, once, before a test plants a defect in what it is read from."""
    contract.ours()


@pytest.fixture(scope="package")
def settings(servers: Servers, template: str) -> Settings:
    return _fresh(servers, template)


@pytest.fixture
def own(servers: Servers, template: str) -> Settings:
    """A database of this test's own."""
    return _fresh(servers, template)


@pytest_asyncio.fixture(loop_scope="package")
async def root(own: Settings) -> AsyncIterator[Visitor]:
    """Whoever administers an installation of this test's own."""
    with folding(own) as fold:
        async with opened(own) as client:
            yield await Visitor.settled(client, fold, "Root")


def _fresh(servers: Servers, template: str) -> Settings:
    url = servers.new_database(template)
    return Settings(
        database_url=servers.restricted(url),
        migration_url=url,
        redis_url=servers.redis_url,
        broker_url=servers.broker_url,
        jwt_key=uuid4().hex,
    )


@pytest.fixture(scope="package")
def fold(settings: Settings) -> Iterator[Callable[[], None]]:
    with folding(settings) as look:
        yield look


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with opened(settings) as client:
        yield client


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def house(client: httpx.AsyncClient, fold: Callable[[], None]) -> Visitor:
    """A settled user for the rows of a table, who must not mind what was there before."""
    return await Visitor.settled(client, fold, "Hugo")


@pytest_asyncio.fixture(loop_scope="package")
async def ann(client: httpx.AsyncClient, fold: Callable[[], None]) -> Visitor:
    """A new user with a workspace and a project."""
    return await Visitor.settled(client, fold, "Ann")


@pytest_asyncio.fixture(loop_scope="package")
async def bob(client: httpx.AsyncClient, fold: Callable[[], None]) -> Visitor:
    """Another, with a workspace and a project that look just like Ann's."""
    return await Visitor.settled(client, fold, "Bob")


@pytest_asyncio.fixture(loop_scope="package")
async def box() -> AsyncIterator[Mailbox]:
    async with mailbox() as opened_box:
        yield opened_box


@pytest_asyncio.fixture(loop_scope="package")
async def host(settings: Settings, fold: Callable[[], None], box: Mailbox) -> AsyncIterator[Visitor]:
    """Somebody in an installation that sends its mail into the box."""
    async with opened(msgspec.structs.replace(settings, mail_url=box.url)) as client:
        yield await Visitor.settled(client, fold, "Host")


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Everything that is logged meanwhile, however unimportant."""
    lines = list[str]()
    sink = logger.add(lines.append, level=0, format="{message} {extra} {exception}", backtrace=False, diagnose=False)
    yield lines
    logger.remove(sink)
