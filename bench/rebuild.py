"""P2 and P3, a rebuild: how long it takes, how much memory, and what readers notice of it."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
from msgspec import Struct

from bench import memory
from bench.elsewhere import elsewhere
from bench.load import Load, Plan, joined
from bench.processes import command
from bench.scripts import Target
from bench.servers import Servers, answering
from cli.opened import asked
from infra.outcome import Outcome

NAME = "task_list"
WRITES, LOOKS = 500.0, 100.0
"""So many changes, and looks at a page, fall due each second while it is rebuilt."""
CLIENTS = 32
SLICE_S = 3.0
"""Loads last so long, one after the other, until the rebuild has ended."""
QUIET = 3
"""So many of them before it begins."""
_REBUILD = ("projections", "rebuild", NAME, "--expect-changes")
_VERIFYING = "verifying"
_OUTCOME = """select outcome from read.operations where projection = %s and state = 'done'
    order by ended_at desc limit 1"""
_BUSIEST = "select project_id from {task_list} group by project_id order by count(*) desc limit 1"
_CHANGED = """select '/api/v1/tasks/' || task.id, (select max(originator_version) from log.events
      where originator_id = task.id) from {task_list} task where number <= 10 and project_id <> %s"""


class Rebuilt(Struct, frozen=True):
    """From the command's first instant to its last, without the comparison with what was live, which is apart."""

    events: int
    seconds: float
    verifying_s: float
    phases: dict[str, float]
    peak_bytes: int

    def per_second(self) -> float:
        return self.events / self.seconds


class Disturbed(Struct, frozen=True):
    """Looks at a page and changes of tasks, while nothing is rebuilt and while something is; how long it took."""

    quiet: Load
    quiet_writes: Load
    during: Load
    during_writes: Load
    seconds: float


def rebuild(up: Servers) -> Rebuilt:
    """P2: by the command."""
    began = time.monotonic()
    with command(up.data, *_REBUILD) as child, memory.watched(child.pid) as peak:
        code, seconds = child.wait(), time.monotonic() - began
    if code:
        raise RuntimeError("The rebuild did not switch.")
    outcome = _outcome(up)
    verifying = outcome.seconds.get(_VERIFYING, 0.0)
    return Rebuilt(outcome.events, seconds - verifying, verifying, outcome.seconds, peak.bytes)


def _outcome(up: Servers) -> Outcome:
    """What came of the last one."""
    row = up.connection.execute(_OUTCOME, (NAME,)).fetchone()
    return msgspec.convert(row[0] if row else None, Outcome)


def disturb(up: Servers, token: str, rounds: int) -> list[Disturbed]:
    """P3: with an API process and a worker, quiet and rebuilding in turns."""
    with answering(up.data) as address, command(up.data, "worker"):
        serving = _Serving(up, address, token)
        return [serving.disturbed() for _ in range(rounds)]


class _Serving:
    """What is asked for all the time: a page that nobody changes, and changes elsewhere."""

    def __init__(self, up: Servers, address: str, token: str) -> None:
        self._up = up
        self._address = address
        self._token = token
        ((self._project,),) = asked(up.connection, _BUSIEST, ())
        self._page = self._shown(f"/api/v1/projects/{self._project}/tasks")

    def disturbed(self) -> Disturbed:
        quiet = [self._slice() for _ in range(QUIET)]
        with command(self._up.data, *_REBUILD) as child:
            during = [self._slice()]
            while child.poll() is None:
                during.append(self._slice())
        looks, writes, looks_during, writes_during = (
            joined(loads) for side in (quiet, during) for loads in zip(*side, strict=True)
        )
        return Disturbed(looks, writes, looks_during, writes_during, sum(_outcome(self._up).seconds.values()))

    def _shown(self, path: str) -> Target:
        with httpx.Client(base_url=self._address, headers={"Authorization": f"Bearer {self._token}"}) as http:
            return Target(path, shown=http.get(path, timeout=20).raise_for_status().text)

    def _slice(self) -> tuple[Load, Load]:
        changed = [Target(*row) for row in asked(self._up.connection, _CHANGED, (self._project,))]
        with ThreadPoolExecutor(2) as beside:
            looks = beside.submit(self._load, "comparing", [self._page], LOOKS)
            writes = beside.submit(self._load, "editing", changed, WRITES)
            return looks.result(), writes.result()

    def _load(self, script: str, targets: Sequence[Target], rate: float) -> Load:
        plan = Plan(script, self._address, self._token, CLIENTS, SLICE_S, targets, rate)
        return elsewhere("bench.load", plan, Load)
