"""A connection to the test's database with the application's role."""

from collections.abc import Iterator

import pytest

from infra.database.connections import connect
from infra.settings import Settings
from projections.engine.connection import SyncConnection


@pytest.fixture
def database(settings: Settings) -> Iterator[SyncConnection]:
    with connect(settings.database_url) as connection:
        yield connection
