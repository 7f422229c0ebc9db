"""Fixtures: the run's own servers, and a fresh database for each test that requests one."""

import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import redis
from argon2 import PasswordHasher
from msgspec.structs import replace
from psycopg import conninfo

from api.app import create_app_and_cache, with_middleware
from infra import time_budget
from infra.identity import hashing, refusal_pause
from infra.log.event_log import EventLog
from infra.rate_limits import attempts
from infra.rate_limits.limit import AUTH_LIMIT, REGISTRATION_LIMIT
from infra.schema.migrate import migrate
from infra.settings import Settings
from infra.worker.projector import Projector
from tests.api.in_process_app import lifespan_task
from tests.api_user import ApiUser
from tests.instant_progress import instant_publisher, tracked_progress
from tests.isolated_settings import new_settings
from tests.servers import Servers

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background of a shell
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _fast_password_hashing() -> Iterator[None]:
    """Hash cheaply: real hashing is slow on purpose and would take a minute of the run; e2e tests use the real cost."""
    with pytest.MonkeyPatch.context() as patch:
        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(hashing, "_HASHER", hasher)
        patch.setattr(hashing, "_DUMMY_HASH", hasher.hash("nobody's password"))
        yield


PATIENT_BUDGET = {
    "REQUEST_S": 20.0,
    "READ_S": 20.0,
    "DATABASE_POOL_S": 2.0,
    "DATABASE_LOCK_S": 15.0,
    "DATABASE_STATEMENT_S": 20.0,
    "DATABASE_CHECKOUT_S": 60.0,
    "DATABASE_PROBE_S": 5.0,
}
STRICT_BUDGET = {name: getattr(time_budget, name) for name in PATIENT_BUDGET}
"""As it is without tests."""


@pytest.fixture(scope="session", autouse=True)
def _patient_time_budget() -> Iterator[None]:
    """A test may block the event loop that it shares with its application, and the machine may be busy."""
    with pytest.MonkeyPatch.context() as patch:
        for name, seconds in PATIENT_BUDGET.items():
            patch.setattr(time_budget, name, seconds)
        patch.setattr(EventLog, "append_timeout_s", 20.0)
        yield


@pytest.fixture
def strict_time_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of the budget: the real one."""
    for name, seconds in STRICT_BUDGET.items():
        monkeypatch.setattr(time_budget, name, seconds)
    monkeypatch.setattr(EventLog, "append_timeout_s", time_budget.APPEND_S)


@pytest.fixture(scope="session", autouse=True)
def _instant_refusals() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refusal_pause, "REFUSAL_PAUSE_S", 0.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def _generous_limits() -> Iterator[None]:
    """All users of a test run come from one address; tests of these limits set them back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attempts, "REGISTRATION_LIMIT", replace(REGISTRATION_LIMIT, quota=100_000))
        patch.setattr(attempts, "AUTH_LIMIT", replace(AUTH_LIMIT, quota=100_000))
        yield


@pytest.fixture(scope="session", autouse=True)
def _instant_progress() -> Iterator[None]:
    with tracked_progress():
        yield


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """A PostgreSQL and two Valkeys, started by this run and stopped with it."""
    with tempfile.TemporaryDirectory(prefix="taskledger-test-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL before 16 does not start below a folder that it cannot enter
        with Servers.start(Path(folder)) as started:
            yield started


@pytest.fixture(scope="session")
def template_database(servers: Servers) -> str:
    """The name of a migrated database that other databases are copied from."""
    url = servers.new_database()
    migrate(url, servers.application_url(url))
    return str(conninfo.conninfo_to_dict(url)["dbname"])


@pytest.fixture
def settings(servers: Servers, template_database: str) -> Settings:
    """Settings of a fresh, migrated database, with the run's Valkeys."""
    return new_settings(servers, template_database)


@pytest.fixture
def fold(settings: Settings) -> Iterator[Callable[[], None]]:
    """A function that does what a worker's poll does: bring every projection up to date and publish its progress."""
    redis_client = redis.Redis.from_url(settings.redis_url)
    projector = Projector(settings.database_url, settings.partitions, instant_publisher(redis_client))

    def project_all() -> None:
        for partition in range(settings.partitions):
            projector.project(partition)

    yield project_all
    projector.close()
    redis_client.close()


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of an application in this process, without a login."""
    app, shortcuts = create_app_and_cache(settings)
    transport = httpx.ASGITransport(cast("Any", with_middleware(app, shortcuts)))
    async with lifespan_task(app), httpx.AsyncClient(transport=transport, base_url="http://test/api/v1") as http_client:
        yield http_client


@pytest.fixture
async def ann(client: httpx.AsyncClient, fold: Callable[[], None]) -> ApiUser:
    """A registered user with a workspace and a project."""
    return await ApiUser.register_with_project(client, fold, "Ann")
