"""PostgreSQL is restarted ten times under load: no answer is 500, and each command takes effect at most once (P10)."""

import contextlib
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from msgspec import Struct

from api.http.problems import EXCEPTION_HANDLERS
from infra.database.connections import connect
from infra.embedded.postgres import APPLICATION_ROLE, Postgres
from infra.processes import data_directory, supervised
from infra.processes.child import Child
from infra.schema.migrate import migrate
from infra.settings import Settings
from infra.time_budget import DATABASE_POOL_S
from tests.api.running_server import JOIN_TIMEOUT_S, running_server
from tests.consistency import assert_consistent, read_log
from tests.e2e.blocking_api_user import BlockingApiUser
from tests.e2e.running_clients import running_clients
from tests.e2e.running_instance import poll_until
from tests.infra.embedded import supervision
from tests.servers import Servers

RESTARTS, CLIENTS = 10, 4

pytestmark = [pytest.mark.usefixtures("strict_time_budget"), pytest.mark.slow]
LONG_OUTAGE_S = DATABASE_POOL_S + 1.0
"""Longer than a request waits for a connection; a restart alone is shorter."""


class Installation(Struct):
    """An API process in a thread, and a PostgreSQL of its own; `ready` starts it again if it has ended."""

    address: str
    settings: Settings
    ready: Callable[[], list[Child]]

    def restart_postgres(self, outage_s: float = 0) -> None:
        """Restart it as an operator would, with open connections cut."""
        (before,) = self.ready()
        before.send_signal(signal.SIGINT)
        before.wait()
        time.sleep(outage_s)
        (after,) = self.ready()
        assert after.pid != before.pid


@pytest.fixture
def installation(servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setattr(supervised, "STABLE_AFTER_S", 0)  # no growing pause between restarts
    data_directory.ensure_secrets(tmp_path)
    postgres = Postgres(tmp_path / "postgres", tmp_path / "secrets" / "postgres-password")
    with supervision.supervised(postgres) as ready:
        database_url = postgres.url_as(APPLICATION_ROLE, data_directory.read_secret(tmp_path, "application-password"))
        migrate(postgres.url, database_url)
        settings = Settings(
            database_url=database_url,
            migration_url=postgres.url,
            redis_url=servers.redis_url,
            broker_url=servers.broker_url,
            blobs=str(servers.new_blobs_folder()),
            jwt_key=uuid4().hex,
            address_key=uuid4().hex,
        )
        with running_server(settings) as (_, url):
            yield Installation(url.removesuffix("/api/v1"), settings, ready)


@contextlib.contextmanager
def reading(address: str, token: str, project: str) -> Iterator[Counter[int]]:
    """A reader of the log and of a read model; yields how often it got which status."""
    statuses, over = Counter[int](), threading.Event()

    def read() -> None:
        with httpx.Client(base_url=f"{address}/api/v1", headers={"Authorization": f"Bearer {token}"}) as http:
            while not over.wait(0.01):
                for path in (f"/projects/{project}/tasks", f"/tasks/{uuid4()}/history"):
                    statuses[http.get(path, timeout=30).status_code] += 1

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield statuses
    finally:
        over.set()
        thread.join(JOIN_TIMEOUT_S)


def restarts_answer_no_500_and_repeat_nothing(installation: Installation, restarts: int) -> None:
    ann = BlockingApiUser.register(installation.address, "ann@example.com")
    workspace = ann.post("/workspaces", name="Home")["id"]
    project = ann.post(f"/workspaces/{workspace}/projects", name="Kitchen", key="KIT")["id"]
    with (
        reading(installation.address, ann.token, project) as statuses,
        running_clients(installation, ann.token, project, CLIENTS) as clients,
    ):
        for number in range(restarts):
            since = clients.definite_count() + 20
            poll_until(lambda: clients.definite_count() >= since)  # noqa: B023 - awaited
            installation.restart_postgres(0 if number else LONG_OUTAGE_S)
        since = clients.definite_count() + 20
        poll_until(lambda: clients.definite_count() >= since)
    history = clients.history
    print(f"{restarts} restarts: {history.counts}, reads: {statuses}")  # noqa: T201 - shown where it fails
    assert history.counts["unknown"], "no answer was lost"
    assert statuses.keys() <= {200, 404, 503}, statuses
    assert statuses[503], "no read failed"
    with connect(installation.settings.database_url) as connection:
        assert_consistent(history.calls, read_log(connection))


def test_restarts_of_postgresql_answer_no_500_and_repeat_nothing(installation: Installation) -> None:
    restarts_answer_no_500_and_repeat_nothing(installation, RESTARTS)


def test_a_lost_connection_answered_500_is_noticed(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(EXCEPTION_HANDLERS, psycopg.OperationalError)
    with running_server(installation.settings) as (_, url):
        installation.address = url.removesuffix("/api/v1")
        with pytest.raises(AssertionError, match="500"):
            restarts_answer_no_500_and_repeat_nothing(installation, 1)
