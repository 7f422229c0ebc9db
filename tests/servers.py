"""The servers of a test run: started by it, stopped with it, and checked to be its own."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from uuid import uuid4

from psycopg import conninfo
from psycopg.sql import SQL, Identifier

from infra.database.connections import connect
from infra.embedded.postgres import APPLICATION_ROLE, DATABASE, Postgres
from infra.embedded.valkey import BROKER_CONFIG, CACHE_CONFIG, Valkey
from infra.processes import data_directory
from infra.processes.supervised import SupervisedProcess
from infra.processes.supervisor import Supervisor

DATABASE_PREFIX = "test_"
PROOF_FILE = "proof"
NON_DURABLE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""The data last for one run. Tests that kill servers use a real instance, with durability on."""


class ForeignDatabaseError(Exception):
    """This server or database was not created by this test run, so the run must not destroy anything in it."""


class Servers:
    """A PostgreSQL and two Valkeys."""

    def __init__(self, folder: Path) -> None:
        data_directory.ensure_secrets(folder)
        password = data_directory.read_secret(folder, "valkey-password")
        self.broker = Valkey("broker", folder / "broker", password, BROKER_CONFIG)
        self.cache = Valkey("cache", folder / "cache", password, CACHE_CONFIG)
        self.postgres = Postgres(folder / "postgres", folder / "secrets" / "postgres-password", NON_DURABLE_SETTINGS)
        if other := os.environ.get(
            "TASKLEDGER_TEST_POSTGRES"
        ):  # programs of another major version, see .ci/oldest-postgres
            self.postgres.bin_folder = Path(other)
        self._application_password = data_directory.read_secret(folder, "application-password")
        self._token = secrets.token_hex()
        self._folder = folder

    @classmethod
    @contextlib.contextmanager
    def start(cls, folder: Path) -> Iterator[Self]:
        """Start the servers in an empty folder, and stop them at the end of the block."""
        servers, supervisor = cls(folder), Supervisor()
        wards = [SupervisedProcess(program, print) for program in (servers.broker, servers.cache, servers.postgres)]
        supervisor.processes = list(wards)
        try:
            assert supervisor.run_until(lambda: all(ward.is_ready for ward in wards), timeout_s=60)
            (servers.postgres.folder / PROOF_FILE).write_text(servers._token)
            yield servers
        finally:
            supervisor.stop(wards, timeout_s=5)
            supervisor.close()

    @property
    def redis_url(self) -> str:
        return self.cache.url

    @property
    def broker_url(self) -> str:
        return self.broker.url

    def new_database(self, template: str | None = None) -> str:
        """Create a database, and return its owner's URL."""
        name = f"{DATABASE_PREFIX}{uuid4().hex}"
        made = SQL("create database {} template {}").format(Identifier(name), Identifier(template or "template0"))
        with connect(self.postgres.url) as connection:
            connection.execute(made)
        return self.postgres.url.removesuffix(DATABASE) + name

    def new_blobs_folder(self) -> Path:
        """Create an empty folder for attachments."""
        folder = self._folder / "blobs" / uuid4().hex
        folder.mkdir(parents=True)
        return folder

    def application_url(self, url: str) -> str:
        """The URL of the same database for the application's role; valid once the database is migrated."""
        name = str(conninfo.conninfo_to_dict(url)["dbname"])
        return self.postgres.url_as(APPLICATION_ROLE, self._application_password).removesuffix(DATABASE) + name

    def require_test_database(self, url: str) -> None:
        """Raise ForeignDatabaseError unless `url`, the owner's, is a test database of this run's own server."""
        with connect(url) as connection:
            row = connection.execute(
                "select pg_read_file(%s, 0, 100, true), current_database()", (PROOF_FILE,)
            ).fetchone()
        if row is None or row[0] != self._token or not row[1].startswith(DATABASE_PREFIX):
            raise ForeignDatabaseError
