"""An instance to measure: durable, with a board, and with all projections caught up."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from bench.data import board
from bench.data.board import PROJECT_COUNT, TASKS_PER_PROJECT, Board
from bench.data.http_target import HttpTarget
from bench.harness.durability import require_durable
from bench.harness.processes import start_taskledger
from cli.read_models import query_read_models
from infra import log, settings
from infra.database.connections import connect
from projections.engine import builds

MAX_CATCH_UP_S = 60.0
_INITIAL_TASKS_SQL = "select '/api/v1/tasks/' || id, version from {task_list} where key like 'P%%' and number <= %s"
_CHANGE_COUNT_SQL = "select count(distinct command_id) from log.events where originator_id = %s"


class BenchInstance(Struct, frozen=True):
    """A running instance: its address, a user's token, its board, its first process, and the owner's connection."""

    data: Path
    pid: int
    address: str
    owner_url: str
    user: UUID
    token: str
    board: Board
    connection: Connection[TupleRow]

    def wait_caught_up(self, timeout_s: float = MAX_CATCH_UP_S) -> float:
        """The seconds until no projection lags; raises TimeoutError after `timeout_s`."""
        return wait_caught_up(self.connection, self.log_head(), timeout_s)

    def log_head(self) -> int:
        """The last position of its log."""
        return log.head(self.connection)

    def initial_tasks(self) -> list[HttpTarget]:
        """The initial tasks of the board, at their current versions."""
        return [
            HttpTarget(*row) for row in query_read_models(self.connection, _INITIAL_TASKS_SQL, (TASKS_PER_PROJECT,))
        ]

    def change_count(self, task: HttpTarget) -> int:
        """How many commands created or changed the task: completing it writes an event for its column, too."""
        row = self.connection.execute(_CHANGE_COUNT_SQL, (task.path.rpartition("/")[2],)).fetchone()
        return row[0] if row else 0


@contextlib.contextmanager
def start_instance(data: Path, api_processes: int = 1, projects: int = PROJECT_COUNT) -> Iterator[BenchInstance]:
    """Start an instance with a board; raises NotDurable if acknowledged commits could be lost."""
    with start_taskledger(data, api_processes) as run, connect(run.migration_url, "bench") as connection:
        print_progress(
            "Durable: " + ", ".join(f"{name} {setting}" for name, setting in require_durable(connection).items())
        )
        user, token = board.register_and_log_in(run.address)
        made = asyncio.run(board.create_board(settings.resolve(data, needs_address_key=True), user, projects))
        ours = BenchInstance(data, run.pid, run.address, run.migration_url, user, token, made, connection)
        ours.wait_caught_up()
        yield ours


def wait_caught_up(connection: Connection[TupleRow], head: int, timeout_s: float = MAX_CATCH_UP_S) -> float:
    """The seconds until all projections have read up to `head`; raises TimeoutError after `timeout_s`."""
    began = time.monotonic()
    while folded_position(connection) < head:
        if time.monotonic() > began + timeout_s:
            raise TimeoutError
        time.sleep(0.01)
    return time.monotonic() - began


def folded_position(connection: Connection[TupleRow]) -> int:
    """The position up to which all projections have read."""
    return builds.position_range(connection, *builds.serving_builds(connection).values())[0]


def print_progress(line: str) -> None:
    """Print to standard error, because standard output is for the table."""
    sys.stderr.write(line + "\n")
