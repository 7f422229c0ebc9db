"""An instance to measure: durable, with a board on it, and nothing left to fold."""

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
from bench.data.board import PROJECTS, TASKS, Board
from bench.harness.client_scripts import Target
from bench.harness.durability import durable
from bench.harness.processes import taskledger
from cli.opened import asked
from infra import log, settings
from infra.database.pool import connect
from projections.engine import builds

PATIENCE_S = 60.0
_FIRST_TASKS = "select '/api/v1/tasks/' || id, version from {task_list} where key like 'P%%' and number <= %s"
_VERSION = "select max(originator_version) from log.events where originator_id = %s"


class Instance(Struct, frozen=True):
    """Where it answers whom, its board, its first process, and a connection to look with."""

    data: Path
    pid: int
    address: str
    owner_url: str
    user: UUID
    token: str
    board: Board
    connection: Connection[TupleRow]

    def caught_up(self, within: float = PATIENCE_S) -> float:
        """The seconds until no projection lags any more; raises TimeoutError where one does for longer."""
        return caught_up(self.connection, self.head(), within)

    def head(self) -> int:
        """The last position of its log."""
        return log.head(self.connection)

    def first_tasks(self) -> list[Target]:
        """The tasks that the board began with, at their present versions."""
        return [Target(*row) for row in asked(self.connection, _FIRST_TASKS, (TASKS,))]

    def version(self, task: Target) -> int:
        """How many events the task has."""
        row = self.connection.execute(_VERSION, (task.path.rpartition("/")[2],)).fetchone()
        return row[0] if row else 0


@contextlib.contextmanager
def instance(data: Path, api: int = 1, projects: int = PROJECTS) -> Iterator[Instance]:
    """One with so many API processes, and projects on its board; raises NotDurable where work could be lost."""
    with taskledger(data, api) as run, connect(run.migration_url, "bench") as connection:
        say("Durable: " + ", ".join(f"{name} {setting}" for name, setting in durable(connection).items()))
        user, token = board.log_in(run.address)
        made = asyncio.run(board.make(settings.locate(data), user, projects))
        ours = Instance(data, run.pid, run.address, run.migration_url, user, token, made, connection)
        ours.caught_up()
        yield ours


def caught_up(connection: Connection[TupleRow], head: int, within: float = PATIENCE_S) -> float:
    """The seconds until all projections have read up to there; raises TimeoutError where they do not."""
    began = time.monotonic()
    while folded(connection) < head:
        if time.monotonic() > began + within:
            raise TimeoutError
        time.sleep(0.01)
    return time.monotonic() - began


def folded(connection: Connection[TupleRow]) -> int:
    """The position that all projections have read up to."""
    return builds.span(connection, *builds.serving(connection).values())[0]


def say(line: str) -> None:
    """To standard error: standard output is the table's."""
    sys.stderr.write(line + "\n")
