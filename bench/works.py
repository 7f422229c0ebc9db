"""The works: what is measured in one round, ours and the peers' in turns."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from bench.board import TASKS, Board
from bench.load import Load, Plan, load
from bench.scripts import Target
from infra import log
from projections import engine
from projections.projection import every

MANY, FEW = 64, 16
WRITING_S, READING_S, SEEING_S = 3.0, 1.5, 4.0
_CAUGHT_UP_S = 60.0
_FIRST_TASKS = "select '/api/v1/tasks/' || id, version from read.task_list where key like 'P%%' and number <= %s"
_VERSION = "select max(originator_version) from log.events where originator_id = %s"
_REBUILT = "task_list"


class Round(Struct, frozen=True):
    """What came of one round: the loads by name, how often the one task of W3 changed, the lags after writing."""

    loads: dict[str, Load]
    changed: int
    lags_s: list[float]


class Rebuild(Struct, frozen=True):
    events: int
    seconds: float


class Bench(Struct, frozen=True):
    """What the works need: who answers where, the board, and a connection to look with."""

    data: Path
    token: str
    ours: str
    stock: str
    constant: str
    board: Board
    connection: Connection[TupleRow]

    def round(self) -> Round:
        """Every work once; each write of ours is folded to the end before the next begins."""
        board, loads, lags = self.board, dict[str, Load](), list[float]()
        loads["W1"] = self._load(self.ours, "creating", board.spread)
        lags.append(self.caught_up())
        loads["W1 stock"] = self._load(self.stock, "creating", board.spread)
        loads["W1 one"] = self._load(self.ours, "creating", [board.crowded])
        lags.append(self.caught_up())
        loads["W2"] = self._load(self.ours, "editing", self._tasks())
        lags.append(self.caught_up())
        before = self._version(board.contended)
        loads["W3"] = self._load(self.ours, "toggling", [board.contended], clients=FEW)
        lags.append(self.caught_up())
        changed = self._version(board.contended) - before
        for name, target in {"R1": board.hot_task, "R2": board.hot_page}.items():
            loads[name] = self._load(self.ours, "looking", [target], READING_S)
            loads[f"{name} constant"] = self._load(self.constant, "looking", [target], READING_S)
        return Round(loads, changed, lags)

    def seen(self) -> Load:
        """V1, on an instance with nothing else to do: how long after its acknowledgement each task could be seen."""
        both = self._load(self.ours, "seeing", [self.board.crowded], SEEING_S, clients=1)
        looks = both.latencies_ms[1::2]
        return Load(both.seconds, [len(looks)], both.refused, looks, both.late, both.busy)

    def rebuilt(self) -> Rebuild:
        """P2: from the command's first instant to its last."""
        began = time.monotonic()
        argv: list[str | Path] = [
            sys.executable,
            "-P",
            "-m",
            "cli.main",
            "projections",
            "rebuild",
            "--data",
            self.data,
            _REBUILT,
        ]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        return Rebuild(log.behind(self.connection, 0), time.monotonic() - began)

    def caught_up(self) -> float:
        """The seconds until no projection lags any more; raises TimeoutError where one never stops."""
        began, head = time.monotonic(), log.head(self.connection)
        while any(engine.checkpoint(self.connection, name) < head for name in every()):
            if time.monotonic() > began + _CAUGHT_UP_S:
                raise TimeoutError
            time.sleep(0.01)
        return time.monotonic() - began

    def _load(
        self, address: str, script: str, targets: Sequence[Target], seconds: float = WRITING_S, *, clients: int = MANY
    ) -> Load:
        return load(Plan(script, address, self.token, clients, seconds, targets))

    def _tasks(self) -> list[Target]:
        """The tasks that the board began with, at their present versions."""
        return [Target(*row) for row in self.connection.execute(_FIRST_TASKS, (TASKS,))]

    def _version(self, task: Target) -> int:
        row = self.connection.execute(_VERSION, (task.path.rpartition("/")[2],)).fetchone()
        return row[0] if row else 0
