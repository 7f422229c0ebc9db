"""G and H1: what commands and reads cost by the size of the log and the length of a stream, and reads of the past."""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import httpx
from msgspec import Struct
from msgspec.structs import replace

from bench.data import history
from bench.data.history import History
from bench.data.http_target import HttpTarget
from bench.data.past_project import CHANGES_PER_PART, PARTS, PastProject
from bench.data.streams import STREAM_LENGTHS_EVENTS, StreamsByLength
from bench.harness import machine
from bench.harness.instance import BenchInstance, print_progress, start_instance
from bench.harness.rounds import FEW_CLIENTS, Environment, RoundConfig, RoundResult, RoundRunner, mirrored, rates
from bench.report import plot, results, table
from bench.report.results import RunResult
from bench.run import max_lag
from bench.scenarios import past_reads
from bench.scenarios.not_measured import NOT_YET_MEASURED
from bench.targets import Metric, TargetResult, at_least, format_number
from cli.read_models import query_read_models

LOG_SIZES_EVENTS = (10_000, 100_000, 1_000_000)
BOARD_PROJECTS = 100
"""The projects of the board; all other projects belong to the history."""
MIN_RATE_RATIO = 0.7
"""The minimum rate of a larger log, relative to the smallest."""
MAX_CATCH_UP_S = 900.0
_ROUND_CONFIG = RoundConfig(5, 2.0, 1.0, ())
"""Write loads are short, because they make the smallest log grow most in relation to its size."""
_LOG_HOW = (
    "Instances whose logs had so many events at first are up at once and are measured in turns. Projects and "
    "1,500 tasks are chosen from the whole log. The reads are hot: they come from memory, whatever the log."
)
_STREAM_HOW = "On the instance with the largest log, by 16 clients: tasks whose streams had so many events at first."
_WORKS = ("W1", "W2", "R1", "R2")
_RANDOM_PROJECT_TASKS_SQL = """select '/api/v1/projects/' || id || '/tasks' from {project_list} where key like 'P%%'
    order by random() limit 1000"""
_RANDOM_TASKS_SQL = "select '/api/v1/tasks/' || id from {task_list} where key like 'P%%' order by random() limit 1500"
_TASK_VERSIONS_SQL = "select '/api/v1/tasks/' || id, version from {task_list} where id = any(%s)"


class GrownInstance(Struct, frozen=True):
    """An instance with `events` events at the start, tasks from its whole log, and tasks by length of their stream.

    Every log contributes as many tasks as the smallest has, because a task is loaded once, at its first change. The
    largest has a project with a past too.
    """

    events: int
    ours: BenchInstance
    tasks: Sequence[str]
    tasks_by_stream_length: Mapping[int, Sequence[str]]
    past: PastProject | None = None


def measure() -> None:
    """Measure, print the results and write them to files."""
    began, processors, found = time.monotonic(), machine.ProcessorClock(), machine.describe_machine()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, _start_instances(Path(folder)) as instances:
        print_progress(f"Ready after {time.monotonic() - began:.0f} s.")
        found |= machine.describe_postgresql(instances[-1].ours.connection)
        past = past_reads.report([past_reads.measure(one.ours, one.past) for one in instances if one.past])
        notes = [*past.notes, *_first_change_notes(instances[-1])]
        rounds: list[RoundResult] = []
        for count in range(1, _ROUND_CONFIG.rounds + 1):
            rounds.append(run_round(instances, len(rounds)))
            print_progress(f"Round {count} of {_ROUND_CONFIG.rounds} done after {time.monotonic() - began:.0f} s.")
    found["others_cpu_share"] = processors.others_share()
    marks, costs = (
        [*past.results, *target_results(rounds), max_lag(rounds)],
        [line for one in rounds for line in one.costs()],
    )
    result = RunResult("growth", found, marks, costs, NOT_YET_MEASURED, rounds)
    results.write_results(result)
    table.print_run(result, notes)
    plot.plot_growth(rounds, LOG_SIZES_EVENTS, STREAM_LENGTHS_EVENTS)
    print_progress(f"Done in {time.monotonic() - began:.0f} s: {results.LATEST_FILE}")


def target_results(rounds: Sequence[RoundResult]) -> list[TargetResult]:
    """The rates of the larger logs and the longer streams, compared with the smallest log and the shortest streams."""
    return [*_log_size_results(rounds), *_stream_length_results(rounds)]


def log_load_name(work: str, size: int) -> str:
    """The name of the load of `work` on a log of `size` events."""
    return f"{work}, log of {size:,}"


def stream_load_name(work: str, length: int) -> str:
    """The name of the load of `work` on streams of `length` events."""
    return f"{work}, streams of {length:,}"


@contextlib.contextmanager
def _start_instances(folder: Path) -> Iterator[list[GrownInstance]]:
    """Start the instances one after the other and keep all running; the largest also has the long streams."""
    with contextlib.ExitStack() as ending:
        found = []
        for size in LOG_SIZES_EVENTS:
            ours = ending.enter_context(start_instance(folder / str(size), projects=BOARD_PROJECTS))
            streams = StreamsByLength(ours.user)
            past = None
            if size == LOG_SIZES_EVENTS[-1]:
                history.write_events(ours.connection, ours.user, streams.generate_events())
                past = _write_past(ours, size)
            else:
                History(ours.user).write_next(ours.connection, size - ours.log_head())
            print_progress(f"{size:,} events are projected after {ours.wait_caught_up(MAX_CATCH_UP_S):.0f} s.")
            ours.connection.execute("vacuum (analyze)")
            paths = {
                length: [f"/api/v1/tasks/{task}" for task in tasks] for length, tasks in streams.tasks_by_length.items()
            }
            tasks = [path for (path,) in query_read_models(ours.connection, _RANDOM_TASKS_SQL, ())]
            found.append(GrownInstance(size, _with_projects_of_whole_log(ours), tasks, paths, past))
        yield found


def _write_past(ours: BenchInstance, size: int) -> PastProject:
    """Write a project with a past, and the history, in turns, until the log has `size` events."""
    past, rest = PastProject(ours.user), History(ours.user)
    history.write_events(ours.connection, ours.user, past.creation_events())
    past.first_position = ours.log_head()
    for part in range(PARTS, 0, -1):
        history.write_events(ours.connection, ours.user, past.change_events())
        changes_to_come = (part - 1) * CHANGES_PER_PART
        rest.write_next(ours.connection, (size - ours.log_head() - changes_to_come) // part)
    return past


def _with_projects_of_whole_log(ours: BenchInstance) -> BenchInstance:
    """The instance with creates in projects of the whole log, not only of the board."""
    spread = [HttpTarget(path) for (path,) in query_read_models(ours.connection, _RANDOM_PROJECT_TASKS_SQL, ())]
    return replace(ours, board=replace(ours.board, project_tasks=spread))


def run_round(instances: Sequence[GrownInstance], number: int) -> RoundResult:
    """Every other round begins with the largest log and the longest streams."""
    found = RoundResult()
    for work in _WORKS:
        for grown in mirrored(instances, number):
            _run_work(RoundRunner(Environment(grown.ours, None, {}), _ROUND_CONFIG, found), grown, work)
    for length in mirrored(STREAM_LENGTHS_EVENTS, number):
        _run_on_streams(instances[-1], length, found)
    return found


def _run_work(runner: RoundRunner, grown: GrownInstance, work: str) -> None:
    name = log_load_name(work, grown.events)
    match work:
        case "W1":
            runner.run_writes(name, "create_tasks", runner.board.project_tasks)
        case "W2":
            runner.run_writes(name, "edit_tasks", _targets_with_versions(runner.ours, grown.tasks))
        case "R1":
            runner.run_reads(name, runner.ours.address, runner.board.hot_task)
        case "R2":
            runner.run_reads(name, runner.ours.address, runner.board.hot_page)


def _run_on_streams(grown: GrownInstance, length: int, result: RoundResult) -> None:
    turn, tasks = (
        RoundRunner(Environment(grown.ours, None, {}), _ROUND_CONFIG, result),
        grown.tasks_by_stream_length[length],
    )
    turn.run_writes(stream_load_name("W2", length), "edit_tasks", _targets_with_versions(turn.ours, tasks), FEW_CLIENTS)
    turn.run_reads(stream_load_name("R1", length), turn.ours.address, HttpTarget(tasks[0]))


def _targets_with_versions(ours: BenchInstance, paths: Sequence[str]) -> list[HttpTarget]:
    ids = [path.rpartition("/")[2] for path in paths]
    return [HttpTarget(*row) for row in query_read_models(ours.connection, _TASK_VERSIONS_SQL, (ids,))]


def _first_change_notes(grown: GrownInstance) -> list[str]:
    """How long the first change of a task takes, by length, when it is neither cached nor in a snapshot."""
    return [
        f"G: the first change of a task of {length:,} events took {_first_change_ms(grown, length)} ms."
        for length in STREAM_LENGTHS_EVENTS
    ]


def _first_change_ms(grown: GrownInstance, length: int) -> str:
    headers, taken = {"Authorization": f"Bearer {grown.ours.token}"}, list[float]()
    with httpx.Client(base_url=grown.ours.address, headers=headers, timeout=60) as http:
        for task in grown.tasks_by_stream_length[length]:
            began = time.monotonic()
            http.patch(task, json={"title": "Buy oat milk", "expected_version": length}).raise_for_status()
            taken.append((time.monotonic() - began) * 1_000)
    return format_number(median(taken))


def _log_size_results(rounds: Sequence[RoundResult]) -> Iterator[TargetResult]:
    small = LOG_SIZES_EVENTS[0]
    for work in _WORKS:
        peer = rates(rounds, log_load_name(work, small))
        for size in LOG_SIZES_EVENTS[1:]:
            measure = Metric("G", f"{work}, log of {size:,} events", _LOG_HOW)
            yield measure.against_baseline(
                f"log of {small:,}", rates(rounds, log_load_name(work, size)), peer, at_least(MIN_RATE_RATIO)
            )


def _stream_length_results(rounds: Sequence[RoundResult]) -> Iterator[TargetResult]:
    short = STREAM_LENGTHS_EVENTS[0]
    for work in ("W2", "R1"):
        peer = rates(rounds, stream_load_name(work, short))
        for length in STREAM_LENGTHS_EVENTS[1:]:
            measure = Metric("G", f"{work}, streams of {length:,} events", _STREAM_HOW)
            yield measure.against_baseline(
                f"streams of {short}", rates(rounds, stream_load_name(work, length)), peer, at_least(MIN_RATE_RATIO)
            )
