"""Fixtures of the API tests: one application and one database for all, with new users for each test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import msgspec
import pytest
import pytest_asyncio

from domain.column import DEFAULT_COLUMNS
from infra.identity.sign_in_refusals import SignInRefusals
from infra.logs import logger
from infra.settings import Settings
from tests.api import openapi_contract
from tests.api.in_process_app import app_client, manual_projector, unused_address
from tests.api.verified_users import register_verified
from tests.api_user import ApiUser
from tests.fake_smtp_server import FakeSmtpServer, fake_smtp_server
from tests.isolated_settings import new_settings
from tests.servers import Servers


@pytest.fixture(scope="package", autouse=True)
def _loaded_openapi() -> None:
    """Build the OpenAPI document once, before a test plants a defect in the code that it is derived from."""
    openapi_contract.app_contract()


@pytest.fixture(scope="package", autouse=True)
def _boards_without_a_done_column() -> Iterator[None]:
    """Boards as they were before columns could be done: a complete is one event there, and no move.

    Most tests are about something else. `endpoints/test_done_column.py` has boards with a done column.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("commands.project.NEW_BOARD_COLUMNS", DEFAULT_COLUMNS)
        yield


@pytest.fixture(scope="package", autouse=True)
def _refusals_recorded_at_the_end() -> Iterator[None]:
    """Refused sign-ins are written when an application stops, not by the clock between the requests of some test."""

    async def never(_: SignInRefusals) -> None:
        await asyncio.Event().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SignInRefusals, "record_forever", never)
        yield


@pytest.fixture(scope="package")
def settings(servers: Servers, template_database: str) -> Settings:
    return new_settings(servers, template_database)


@pytest.fixture
def isolated_settings(servers: Servers, template_database: str) -> Settings:
    """A database for this test only."""
    return new_settings(servers, template_database)


@pytest_asyncio.fixture(loop_scope="package")
async def administrator(isolated_settings: Settings) -> AsyncIterator[ApiUser]:
    """The administrator of an installation for this test only."""
    with manual_projector(isolated_settings) as fold:
        async with app_client(isolated_settings) as client:
            yield await ApiUser.register_with_project(client, fold, "Root")


@pytest.fixture(scope="package")
def fold(settings: Settings) -> Iterator[Callable[[], None]]:
    with manual_projector(settings) as project_all:
        yield project_all


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(settings) as client:
        yield client


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_user(client: httpx.AsyncClient, fold: Callable[[], None]) -> ApiUser:
    """A user shared by parametrized cases, which must tolerate existing data."""
    return await ApiUser.register_with_project(client, fold, "Hugo")


@pytest_asyncio.fixture(loop_scope="package")
async def ann(client: httpx.AsyncClient, fold: Callable[[], None]) -> ApiUser:
    """A new user with a workspace and a project."""
    return await ApiUser.register_with_project(client, fold, "Ann")


@pytest_asyncio.fixture(loop_scope="package")
async def bob(client: httpx.AsyncClient, fold: Callable[[], None]) -> ApiUser:
    """Another user, with a workspace and a project that look just like Ann's."""
    return await ApiUser.register_with_project(client, fold, "Bob")


@pytest_asyncio.fixture(loop_scope="package")
async def smtp_server() -> AsyncIterator[FakeSmtpServer]:
    async with fake_smtp_server() as opened_box:
        yield opened_box


@pytest_asyncio.fixture(loop_scope="package")
async def inviter(settings: Settings, fold: Callable[[], None], smtp_server: FakeSmtpServer) -> AsyncIterator[ApiUser]:
    """A user of an installation that sends its mail to the test's mailbox."""
    async with app_client(msgspec.structs.replace(settings, mail_url=smtp_server.url), unused_address()) as client:
        yield await register_verified(client, fold, "Host", smtp_server)


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """All log lines of the test, of every level."""
    lines = list[str]()
    sink = logger.add(lines.append, level=0, format="{message} {extra} {exception}", backtrace=False, diagnose=False)
    yield lines
    logger.remove(sink)
