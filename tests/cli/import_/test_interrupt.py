"""Ctrl-C or SIGTERM during an import: the report counts what was written, and stands on lines of its own."""

import asyncio
import json
import os
import pty
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cli.import_ import importer
from cli.import_.board_columns import BoardColumns
from cli.import_.importer import ImportOutcome, import_tasks
from cli.import_.mapping import ImportProject, map_rows
from cli.import_.rows import Row
from cli.import_.target import find_target
from cli.main import INTERRUPTED_EXIT_CODE
from cli.open_instance import open_instance
from cli.termination import TERMINATED_EXIT_CODE
from commands.handling.append import Append, AppendResult
from infra import log
from infra.database.connections import connect
from infra.log.event_log import EventLog
from infra.settings import Settings
from tests.cli.conftest import DEMO_EVENTS, RunCli
from tests.planted_defects import assert_async_check_fails
from tests.projections import oracle

pytestmark = pytest.mark.slow

ROWS = 50_000
ARGUMENTS = ("--workspace", "Demo", "--project", "FEST", "--as", "demo@example.com")


@pytest.fixture
def demo(run_cli: RunCli, settings: Settings) -> None:
    """A project to import into."""
    run_cli("demo")
    with connect(settings.database_url) as connection:
        oracle.catch_up(connection)


def created_tasks(settings: Settings) -> int:
    """How many tasks are in the log, besides those of the demo."""
    with connect(settings.database_url) as connection:
        later = list(log.iter_events(connection, log.EventSelection(DEMO_EVENTS)))
    return sum(one.event.__class__.__name__ == "TaskCreated" for one in later)


def run_on_terminal(
    arguments: list[str], environment: dict[str, str]
) -> Iterator[tuple[bytes, tuple[int, int], int | None]]:
    """The output of `taskledger` so far, its process id and terminal, and in the end the exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        argv = [sys.executable, "-P", "-m", "cli.main", *arguments]
        os.execvpe(argv[0], argv, {**os.environ, **environment, "TERM": "xterm"})  # noqa: S606 - no shell is wanted
    output = b""
    while True:
        try:
            output += os.read(terminal, 65_536)
        except OSError:  # the other end is closed
            break
        yield output, (pid, terminal), None
    yield output, (pid, terminal), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)


@pytest.mark.parametrize(
    ("number", "expected_exit_code"),
    [(signal.SIGINT, INTERRUPTED_EXIT_CODE), (signal.SIGTERM, TERMINATED_EXIT_CODE)],
    ids=["Ctrl-C", "SIGTERM"],
)
@pytest.mark.usefixtures("demo")
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # fork beside threads: the child only execs
def test_the_report_of_a_stopped_import_is_right_and_on_its_own_line(
    environment: dict[str, str],
    tmp_path: Path,
    settings: Settings,
    number: signal.Signals,
    expected_exit_code: int,
) -> None:
    file = tmp_path / "list.json"
    file.write_text(json.dumps([{"id": at, "title": f"Row {at}"} for at in range(ROWS)]))
    is_interrupted, last_exit_code, output = False, None, b""
    arguments = ["import", str(file), *ARGUMENTS, "--data", str(tmp_path)]
    for output, (pid, terminal), exit_code in run_on_terminal(arguments, environment):
        if not is_interrupted and re.search(rb" [1-9]\d?%", output):
            is_interrupted = True
            if number == signal.SIGINT:
                os.write(terminal, b"\x03")
            else:
                os.kill(pid, number)
        last_exit_code = exit_code
    assert last_exit_code == expected_exit_code
    report = re.search(r"(?:\n|\x1b\[2K)list\.json: (\d+) created, 0 already there, 0 refused\.\r\n", output.decode())
    assert report, output[-500:]
    created = created_tasks(settings)
    assert int(report[1]) == created
    assert 0 < created < ROWS
    assert f"Stopped early: {ROWS - created} of {ROWS} rows were not tried.".encode() in output
    assert b"run the same command again to continue" in output


async def a_cancelled_import_counts_all_that_it_wrote(settings: Settings, patch: pytest.MonkeyPatch) -> None:
    """It is cancelled in its second chunk, when a part of that is written already."""
    written, may_go_on, append, calls = asyncio.Event(), asyncio.Event(), EventLog.append, list[int]()

    async def halting(self: EventLog, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        results = await append(self, appends)
        calls.append(len(appends))
        if len(calls) == 4:  # each chunk has two: its first row, and the rest
            written.set()
            await may_go_on.wait()
        return results

    patch.setattr(EventLog, "append", halting)
    patch.setattr(importer, "MAX_CHUNK_ROWS", 8)
    outcome = ImportOutcome()
    async with open_instance(settings) as instance:
        target = await find_target(instance, settings.database_url, *ARGUMENTS[1::2])
        project = ImportProject(target.project_id, BoardColumns(target.columns))
        rows = [Row(f"[{at}]", {"id": at, "title": f"Row {at}"}) for at in range(32)]
        importing = asyncio.create_task(
            import_tasks(instance, map_rows(rows, project), target.user_id, outcome), name="import"
        )
        await written.wait()
        importing.cancel()
        await asyncio.sleep(0)
        may_go_on.set()
        await asyncio.wait([importing])
        assert importing.cancelled()
    assert outcome.created == created_tasks(settings)
    assert 8 < outcome.created < 32


@pytest.mark.usefixtures("demo")
async def test_a_cancelled_import_counts_all_that_it_wrote(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    await a_cancelled_import_counts_all_that_it_wrote(settings, monkeypatch)


@pytest.mark.usefixtures("demo")
async def test_an_import_that_is_cancelled_within_a_chunk_is_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unshielded(importing: asyncio.Task[None]) -> None:
        await importing

    monkeypatch.setattr("cli.import_.importer.asyncio.shield", unshielded)

    async def check() -> None:
        with pytest.MonkeyPatch.context() as patch:
            await a_cancelled_import_counts_all_that_it_wrote(settings, patch)

    await assert_async_check_fails(check)
