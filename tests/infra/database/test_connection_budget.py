"""The connection budget: a start that PostgreSQL could not serve is refused, with what to do."""

import pytest

from infra.database.connection_budget import (
    API_CONNECTIONS,
    instance_connections,
    require_connections,
    server_connections,
)
from infra.database.connections import connect
from infra.errors import OperatorError
from infra.settings import Settings


def test_an_instance_of_the_default_size_fits_into_the_default_of_postgresql() -> None:
    assert instance_connections(2, 2, 2) < 97


def test_an_own_server_allows_what_the_processes_of_a_large_machine_may_open() -> None:
    assert server_connections(instance_connections(1, 1, 1)) == 100
    needed = instance_connections(16, 1, 1)
    assert server_connections(needed) == needed + 3 > 100


def test_a_start_that_needs_more_connections_than_allowed_is_refused(settings: Settings) -> None:
    require_connections(settings.database_url, API_CONNECTIONS, is_alone=False)
    with pytest.raises(OperatorError, match="raise max_connections, or start fewer processes"):
        require_connections(settings.database_url, 100_000, is_alone=True)
    with connect(settings.database_url), pytest.raises(OperatorError, match="are in use"):
        require_connections(settings.database_url, 100_000, is_alone=False)


def test_an_unreachable_server_is_waited_for() -> None:
    require_connections("postgresql://taskledger@127.0.0.1:1/none", 100_000, is_alone=True)
