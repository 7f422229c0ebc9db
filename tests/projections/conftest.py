"""Connections to the database of a test, and fixtures shared with the tests of the command line."""

from collections.abc import Iterator

import pytest

from infra.database.connections import connect
from infra.settings import Settings
from projections.engine.connection import SyncConnection
from tests.cli.conftest import environment, run_cli
from tests.servers import Servers

__all__ = ["environment", "run_cli"]


@pytest.fixture(autouse=True)
def _require_test_database(servers: Servers, settings: Settings) -> None:
    """Tests here damage tables and truncate the log: only in one proven to belong to this run."""
    servers.require_test_database(settings.migration_url)


@pytest.fixture
def database(settings: Settings) -> Iterator[SyncConnection]:
    with connect(settings.database_url) as connection:
        yield connection


@pytest.fixture
def other_connection(settings: Settings) -> Iterator[SyncConnection]:
    with connect(settings.database_url) as connection:
        yield connection


@pytest.fixture
def owner(settings: Settings) -> Iterator[SyncConnection]:
    with connect(settings.migration_url) as connection:
        yield connection
