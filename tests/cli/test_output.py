"""Output of commands: stored and imported text cannot act on the terminal."""

import subprocess
import sys

import psycopg

from infra.settings import Settings
from tests.cli.conftest import RunCli

HOSTILE = "sour \u202e\u2028\x1b[2J [red]milk"
SHOWN = r"sour \u202e\u2028\u001b[2J [red]milk"


def test_parked_documents_are_listed_with_their_text_escaped(run_cli: RunCli, settings: Settings) -> None:
    with psycopg.connect(settings.database_url) as connection:
        sql = """insert into read.parked (build, document, position, reason)
                 select build, %s, 1, %s from read.serving where projection = 'task_list'"""
        connection.execute(sql, (HOSTILE, HOSTILE))
    printed = run_cli("projections", "parked").output
    assert printed.count(SHOWN) == 2
    assert printed.replace("\n", "").isprintable()


def test_log_lines_have_their_text_escaped() -> None:
    code = f"from infra import logs; logs.configure('info', 'development'); logs.logger.info('name {{}}', {HOSTILE!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert SHOWN in done.stderr
    assert len(done.stderr.splitlines()) == 1
