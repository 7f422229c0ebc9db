"""Ctrl-C during an import on a terminal: the report counts what was written, and stands on lines of its own."""

import json
import os
import pty
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import INTERRUPTED_EXIT_CODE
from infra import log
from infra.database.connections import connect
from infra.settings import Settings
from tests.cli.conftest import DEMO_EVENTS, RunCli
from tests.projections import oracle

ROWS = 50_000
ARGUMENTS = ("--workspace", "Demo", "--project", "FEST", "--as", "demo@example.com")


def run_on_terminal(arguments: list[str], environment: dict[str, str]) -> Iterator[tuple[bytes, int, int | None]]:
    """The output of `taskledger` so far, the terminal's file descriptor, and in the end the exit code."""
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
        yield output, terminal, None
    yield output, terminal, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # fork beside threads: the child only execs
def test_the_report_after_ctrl_c_is_right_and_on_its_own_line(
    run_cli: RunCli, environment: dict[str, str], tmp_path: Path, settings: Settings
) -> None:
    run_cli("demo")
    with connect(settings.database_url) as connection:
        oracle.catch_up(connection)
    file = tmp_path / "list.json"
    file.write_text(json.dumps([{"id": at, "title": f"Row {at}"} for at in range(ROWS)]))
    is_interrupted, last_exit_code, output = False, None, b""
    arguments = ["import", str(file), *ARGUMENTS, "--data", str(tmp_path)]
    for output, terminal, exit_code in run_on_terminal(arguments, environment):
        if not is_interrupted and re.search(rb" [1-9]\d?%", output):
            is_interrupted = os.write(terminal, b"\x03") > 0
        last_exit_code = exit_code
    assert last_exit_code == INTERRUPTED_EXIT_CODE
    report = re.search(r"(?:\n|\x1b\[2K)list\.json: (\d+) created, 0 already there, 0 refused\.\r\n", output.decode())
    assert report, output[-500:]
    with connect(settings.database_url) as connection:
        numbers = list(log.iter_events(connection, log.EventSelection(DEMO_EVENTS)))
    created = sum(one.event.__class__.__name__ == "TaskCreated" for one in numbers)
    assert int(report[1]) == created
    assert 0 < created < ROWS
    assert f"Stopped early: {ROWS - created} of {ROWS} rows were not tried.".encode() in output
    assert b"run the same command again to continue" in output
