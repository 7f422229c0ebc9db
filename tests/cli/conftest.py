"""Runs CLI commands in-process against the servers of one test."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import taskledger
from infra.settings import Settings

RunCli = Callable[..., Result]
DEMO_EVENTS = 23
"""The number of events that `taskledger demo` writes."""


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """Environment variables that point every command to the servers of this test."""
    names = ("database_url", "migration_url", "redis_url", "broker_url", "jwt_key", "address_key")
    return {f"TASKLEDGER_{name.upper()}": str(getattr(settings, name)) for name in names}


@pytest.fixture
def run_cli(environment: dict[str, str], tmp_path: Path) -> RunCli:
    """Runs `taskledger WORDS...`; keyword arguments are environment variables."""

    def invoke(*words: str, **named: str) -> Result:
        return CliRunner().invoke(taskledger, [*words, "--data", str(tmp_path)], env=environment | named)

    return invoke
