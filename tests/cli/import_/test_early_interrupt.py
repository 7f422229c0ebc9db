"""Ctrl-C before the first row is written: one line says that nothing was, at whatever moment it comes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from cli.import_.importer import ImportOutcome
from cli.import_.report import ImportReport, lines_after_stop
from cli.main import INTERRUPTED_EXIT_CODE
from infra.database.connections import connect
from infra.settings import Settings
from tests.cli.conftest import RunCli

pytestmark = pytest.mark.slow

ARGUMENTS = ("--workspace", "Demo", "--project", "FEST", "--as", "demo@example.com")
NOTHING_WRITTEN = "list.json: stopped before the first row, so nothing was written.\n"
MAX_START_S = 30
WAITING_SQL = """select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and application_name = 'taskledger api'"""


@pytest.fixture
def file(run_cli: RunCli, tmp_path: Path) -> Path:
    """A file to import into the demo project."""
    run_cli("demo")
    path = tmp_path / "list.json"
    path.write_text(json.dumps([{"title": "A"}]))
    return path


@contextmanager
def locked_log(settings: Settings) -> Iterator[Connection[TupleRow]]:
    """Each read of the log waits, as on a slow server; yields a connection that does not."""
    url = settings.migration_url or settings.database_url
    with connect(url) as holder, connect(url) as observer, holder.transaction():
        holder.execute("lock table log.events in access exclusive mode")
        yield observer


def wait_for_a_blocked_read(observer: Connection[TupleRow]) -> None:
    deadline = time.monotonic() + MAX_START_S
    while observer.execute(WAITING_SQL).fetchone() == (0,):
        assert time.monotonic() < deadline, "the command reads nothing"
        time.sleep(0.02)


@pytest.mark.parametrize("more", [[], ["--dry-run"]], ids=["import", "dry run"])
def test_ctrl_c_while_the_target_is_looked_up_is_one_line(
    environment: dict[str, str], tmp_path: Path, settings: Settings, file: Path, more: list[str]
) -> None:
    command = [sys.executable, "-P", "-m", "cli.main", "import", str(file), *ARGUMENTS, "--data", str(tmp_path), *more]
    with locked_log(settings) as observer:
        running = subprocess.Popen(
            command,
            text=True,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        wait_for_a_blocked_read(observer)
        running.send_signal(signal.SIGINT)
        output, errors = running.communicate(timeout=MAX_START_S)
    assert (running.returncode, output, errors.strip()) == (INTERRUPTED_EXIT_CODE, NOTHING_WRITTEN, "")


def test_ctrl_c_while_the_file_is_read_is_one_line(
    run_cli: RunCli, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.import_.parse_json", interrupt)
    assert run_cli("import", str(file), *ARGUMENTS).stdout == NOTHING_WRITTEN


def test_an_interrupted_dry_run_does_not_promise_to_continue() -> None:
    report = ImportReport("list.json", 3)
    assert list(lines_after_stop(ImportOutcome(is_dry_run=True, created=1), report))[-2:] == [
        "Stopped early: 2 of 3 rows were not tried.",
        "The check is incomplete, and nothing was written: run the same command again to check all rows.",
    ]
    assert list(lines_after_stop(ImportOutcome(created=1), report))[-1] == (
        "The import is incomplete: run the same command again to continue."
    )
