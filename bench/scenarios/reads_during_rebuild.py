"""P3: what readers of a page notice of a rebuild, while tasks are changed."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
from msgspec import Struct

from bench.harness.client_scripts import Target
from bench.harness.load_generator import Load, Plan, joined
from bench.harness.processes import command
from bench.harness.run_module import elsewhere
from bench.harness.servers import Servers, answering
from bench.scenarios.rebuild import REBUILD, outcome
from bench.targets import Measure, Told, at_most, number, percentile
from cli.opened import asked

WRITES, LOOKS = 500.0, 100.0
"""So many changes, and looks at a page, fall due each second while it is rebuilt."""
KEPT_UP = 0.99
"""The share of both that must be answered."""
CLIENTS = 32
SLICE_S = 3.0
"""Loads last so long, one after the other, until the rebuild has ended."""
QUIET = 3
"""So many of them before it begins."""
_BUSIEST = "select project_id from {task_list} group by project_id order by count(*) desc limit 1"
_CHANGED = """select '/api/v1/tasks/' || task.id, (select max(originator_version) from log.events
      where originator_id = task.id) from {task_list} task where number <= 10 and project_id <> %s"""


class Disturbed(Struct, frozen=True):
    """Looks at a page and changes of tasks, while nothing is rebuilt and while something is; how long it took."""

    quiet: Load
    quiet_writes: Load
    during: Load
    during_writes: Load
    seconds: float


def told(found: Sequence[Disturbed]) -> Told:
    """Where answers are refused, or a pace is not kept, those that came say nothing."""
    during, quiet = ([percentile(load.waited_ms(), 99) for load in side] for side in _looks(found))
    is_served = all(_is_served(one.during, LOOKS) and _is_served(one.during_writes, WRITES) for one in found)
    wrong = [float(load.wrong + sum(load.refused.values())) for one in found for load in (one.quiet, one.during)]
    page = Measure("P3", "a page of 50, during a rebuild, p99", "ms")
    return Told(
        [
            page.beside("quiet", during, quiet, at_most(3)).unless(not is_served),
            Measure("P3", "answers that were wrong, or none", "").alone([sum(wrong)], at_most(0)),
        ],
        [remark for one in found for remark in _remarks(one)],
    )


def disturb(up: Servers, token: str, rounds: int) -> list[Disturbed]:
    """With an API process and a worker, quiet and rebuilding in turns."""
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
        with command(self._up.data, *REBUILD) as child:
            during = [self._slice()]
            while child.poll() is None:
                during.append(self._slice())
        if child.returncode:
            raise RuntimeError("The rebuild did not switch.")
        looks, writes, looks_during, writes_during = (
            joined(loads) for side in (quiet, during) for loads in zip(*side, strict=True)
        )
        return Disturbed(looks, writes, looks_during, writes_during, sum(outcome(self._up).seconds.values()))

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
        return elsewhere("bench.harness.load_generator", plan, Load)


def _looks(found: Sequence[Disturbed]) -> tuple[list[Load], list[Load]]:
    return [one.during for one in found], [one.quiet for one in found]


def _is_served(load: Load, rate: float) -> bool:
    return load.per_second() >= KEPT_UP * rate


def _remarks(one: Disturbed) -> list[str]:
    lines = [f"P3: the rebuild took {one.seconds:.0f} s beside what was asked for."]
    for what, load, rate in (("looks", one.during, LOOKS), ("changes", one.during_writes, WRITES)):
        reached, refused = number(load.per_second()), sum(load.refused.values())
        lines.append(f"P3: {reached} of {number(rate)}/s {what} were answered, {refused} refused.")
    return lines
