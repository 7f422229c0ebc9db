"""An embedded PostgreSQL and a broker in the test's folder, not started yet."""

from pathlib import Path

import pytest

from infra.embedded.postgres import Postgres
from infra.embedded.valkey import BROKER_CONFIG, Valkey
from infra.processes import data_directory


@pytest.fixture
def postgres(tmp_path: Path) -> Postgres:
    data_directory.ensure_secrets(tmp_path)
    return Postgres(tmp_path / "postgres", tmp_path / "secrets" / "postgres-password")


@pytest.fixture
def broker(tmp_path: Path) -> Valkey:
    return Valkey("Broker", tmp_path / "broker", "secret", BROKER_CONFIG)
