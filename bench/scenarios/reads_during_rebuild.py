"""P3: how a rebuild affects reads of a page, while tasks are changed."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
from msgspec import Struct
from msgspec.structs import replace

from bench.data.http_target import HttpTarget
from bench.harness.costs import load_cost
from bench.harness.load_generator import LoadPlan
from bench.harness.load_result import LoadResult, merge_loads
from bench.harness.processes import start_command
from bench.harness.resource_usage import ResourceUsage, track_usage
from bench.harness.rounds import mirrored
from bench.harness.run_module import run_module
from bench.harness.sampled_usage import sample_usage
from bench.harness.servers import EmbeddedServers, start_api
from bench.harness.wal_syncs import track_wal_syncs
from bench.scenarios.rebuild import REBUILD_COMMAND, last_outcome
from bench.targets import CostLine, Metric, ScenarioReport, at_most, format_number, percentile
from cli.read_models import query_read_models

WRITES_PER_S, READS_PER_S = 500.0, 100.0
"""How many changes, and reads of a page, fall due each second, before and during a rebuild."""
MIN_ANSWERED_SHARE = 0.99
"""The share of each that must be answered."""
CLIENTS = 32
SLICE_S = 3.0
"""How long one load lasts; loads follow one another until the rebuild has ended."""
QUIET_SLICES = 3
"""How many loads run before the rebuild begins."""
_HOW = (
    "100 reads of a page and 500 changes of 10,000 other tasks fall due each second, in loads of 3 s, beside the "
    "rebuild of P2 (the last load outlives it), and three such loads without it. A rate that is not reached "
    "misses the target."
)
_WRONG_HOW = "As P3: reads that were refused, or whose bytes were other than before."
_BUSIEST_PROJECT_SQL = "select project_id from {task_list} group by project_id order by count(*) desc limit 1"
_TASKS_TO_CHANGE_SQL = """select '/api/v1/tasks/' || task.id, (select max(originator_version) from log.events
      where originator_id = task.id) from {task_list} task where number <= 10 and project_id <> %s"""


class ReadsDuringRebuild(Struct, frozen=True):
    """Reads of a page and changes of tasks, before a rebuild and during it, and how long the rebuild took."""

    quiet_reads: LoadResult
    quiet_writes: LoadResult
    rebuild_reads: LoadResult
    rebuild_writes: LoadResult
    rebuild_s: float
    costs: list[CostLine] = []


def report(found: Sequence[ReadsDuringRebuild]) -> ScenarioReport:
    """If requests are refused, or a load does not keep up, the latencies of the others are not valid."""
    during, quiet = ([percentile(load.latencies_with_failures_ms(), 99) for load in side] for side in _reads(found))
    is_served = all(
        _keeps_up(one.rebuild_reads, READS_PER_S) and _keeps_up(one.rebuild_writes, WRITES_PER_S) for one in found
    )
    wrong_answers = Metric("P3", "answers that were wrong, or none", _WRONG_HOW, "")
    wrong = [
        float(load.wrong + sum(load.refused.values())) for one in found for load in (one.quiet_reads, one.rebuild_reads)
    ]
    page = Metric("P3", "a page of 50, during a rebuild, p99", _HOW, "ms")
    return ScenarioReport(
        [
            page.against_baseline("quiet", during, quiet, at_most(3)).fail_if(not is_served),
            wrong_answers.against_threshold([sum(wrong)], at_most(0)),
        ],
        [remark for one in found for remark in _notes(one)],
        [cost for one in found for cost in one.costs],
    )


def measure(up: EmbeddedServers, token: str, rounds: int) -> list[ReadsDuringRebuild]:
    """Measure with an API process and a worker, with a rebuild and without; each goes first every other time."""
    with start_api(up.data) as api, start_command(up.data, "worker") as worker:
        serving = _Traffic(up, api.address, token, up.pids | {"api": api.pid, "worker": worker.pid})
        return [serving.measure(number) for number in range(rounds)]


class _Traffic:
    """The traffic during all loads: reads of an unchanging page, and changes in other projects."""

    def __init__(self, up: EmbeddedServers, address: str, token: str, pids: Mapping[str, int]) -> None:
        self._up = up
        self._pids = pids
        self._address = address
        self._token = token
        ((self._project,),) = query_read_models(up.connection, _BUSIEST_PROJECT_SQL, ())
        self._page = self._target_with_body(f"/api/v1/projects/{self._project}/tasks")

    def measure(self, number: int) -> ReadsDuringRebuild:
        sides: dict[str, _Side] = {}
        for name, run in mirrored([("P3 quiet", self._run_quiet), ("P3", self._run_rebuild)], number):
            sides[name] = self._with_cost(name, run)
        quiet, rebuilding = sides["P3 quiet"], sides["P3"]
        return ReadsDuringRebuild(
            quiet.reads,
            quiet.writes,
            rebuilding.reads,
            rebuilding.writes,
            sum(last_outcome(self._up).seconds.values()),
            [quiet.cost, rebuilding.cost],
        )

    def _with_cost(self, name: str, run: "Callable[[], _Slices]") -> "_Side":
        with track_usage(self._pids) as used, track_wal_syncs(self._up.connection) as syncs:
            slices = run()
        reads, writes = (merge_loads(loads) for loads in zip(*slices.loads, strict=True))
        used["rebuild"], both = slices.rebuild, merge_traffic(reads, writes)
        return _Side(reads, writes, load_cost(name, both, used, syncs.per_second()))

    def _run_quiet(self) -> "_Slices":
        return _Slices([self._run_slice() for _ in range(QUIET_SLICES)], ResourceUsage(0.0, 0))

    def _run_rebuild(self) -> "_Slices":
        with start_command(self._up.data, *REBUILD_COMMAND) as child, sample_usage(child.pid) as sampled:
            during = [self._run_slice()]
            while child.poll() is None:
                during.append(self._run_slice())
        if child.returncode:
            raise RuntimeError("The rebuild failed.")
        return _Slices(during, ResourceUsage(sampled.cpu_s, sampled.peak_bytes))

    def _target_with_body(self, path: str) -> HttpTarget:
        with httpx.Client(base_url=self._address, headers={"Authorization": f"Bearer {self._token}"}) as http:
            return HttpTarget(path, expected_body=http.get(path, timeout=20).raise_for_status().text)

    def _run_slice(self) -> tuple[LoadResult, LoadResult]:
        changed = [
            HttpTarget(*row) for row in query_read_models(self._up.connection, _TASKS_TO_CHANGE_SQL, (self._project,))
        ]
        with ThreadPoolExecutor(2) as beside:
            reads = beside.submit(self._load, "get_and_compare", [self._page], READS_PER_S)
            writes = beside.submit(self._load, "edit_tasks", changed, WRITES_PER_S)
            return reads.result(), writes.result()

    def _load(self, script: str, targets: Sequence[HttpTarget], rate: float) -> LoadResult:
        plan = LoadPlan(script, self._address, self._token, CLIENTS, SLICE_S, targets, rate, warm_up_s=0.0)
        return run_module("bench.harness.load_generator", plan, LoadResult)


class _Slices(Struct, frozen=True):
    """Consecutive loads of reads and changes, and the usage of the rebuild meanwhile."""

    loads: list[tuple[LoadResult, LoadResult]]
    rebuild: ResourceUsage


class _Side(Struct, frozen=True):
    """All reads and changes with a rebuild or without, and what each of them cost."""

    reads: LoadResult
    writes: LoadResult
    cost: CostLine


def merge_traffic(reads: LoadResult, writes: LoadResult) -> LoadResult:
    """Reads and changes of the same time as one load, of which only rate and processor time have a meaning."""
    both = merge_loads([reads, writes])
    return replace(both, seconds=reads.seconds)


def _reads(found: Sequence[ReadsDuringRebuild]) -> tuple[list[LoadResult], list[LoadResult]]:
    return [one.rebuild_reads for one in found], [one.quiet_reads for one in found]


def _keeps_up(load: LoadResult, rate: float) -> bool:
    return load.per_second() >= MIN_ANSWERED_SHARE * rate


def _notes(one: ReadsDuringRebuild) -> list[str]:
    lines = [f"P3: the rebuild took {one.rebuild_s:.0f} s beside what was asked for."]
    for what, load, rate in (("looks", one.rebuild_reads, READS_PER_S), ("changes", one.rebuild_writes, WRITES_PER_S)):
        reached, refused = format_number(load.per_second()), sum(load.refused.values())
        lines.append(f"P3: {reached} of {format_number(rate)}/s {what} were answered, {refused} refused.")
    return lines
