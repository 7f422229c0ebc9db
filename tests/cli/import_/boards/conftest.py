"""Imports exports of boards in-process, with a worker, into the workspace of the demo."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from infra.database.connections import connect
from infra.settings import Settings
from projections.engine.connection import SyncConnection
from tests.cli.conftest import RunCli
from tests.projections import oracle
from tests.store.wip_limits import running_worker

ImportBoard = Callable[..., Result]
EMAIL = "demo@example.com"


@pytest.fixture
def database(settings: Settings) -> Iterator[SyncConnection]:
    """A connection to the test's database."""
    with connect(settings.database_url) as connection:
        yield connection


@pytest.fixture
def import_board(run_cli: RunCli, tmp_path: Path, settings: Settings) -> Iterator[ImportBoard]:
    """Imports an export, or a file, into the project `key` of the workspace Demo."""
    assert run_cli("demo").exit_code == 0
    with connect(settings.database_url) as connection:
        oracle.catch_up(connection)

    def run(content: Any, *more: str, key: str = "PAST", workspace: str = "Demo", email: str = EMAIL) -> Result:
        file = content if isinstance(content, Path) else tmp_path / "board.json"
        if not isinstance(content, Path):
            file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        words = ("import", str(file), "--format", "trello", "--workspace", workspace, "--project", key, "--as", email)
        return run_cli(*words, *more)

    with running_worker(settings, 0.05):
        yield run
