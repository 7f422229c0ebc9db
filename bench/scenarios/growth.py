"""G, growth: what commands and looks cost by the events in the log, and by the length of a stream."""

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
from bench.data.streams import LENGTHS, Streams
from bench.harness import machine
from bench.harness.client_scripts import Target
from bench.harness.instance import Instance, instance, say
from bench.harness.rounds import FEW, Round, Size, Stage, Turn, rates
from bench.harness.run import lag
from bench.report import notes, plot, results, table
from bench.scenarios.not_measured import ABSENT
from bench.targets import Mark, Measure, at_least, number
from cli.opened import asked

SIZES = (10_000, 100_000, 1_000_000)
PROJECTS = 100
"""Of the board; all others are of the history."""
WITHIN = 0.7
"""What the largest must do, of what the smallest does."""
PATIENCE_S = 900.0
_SIZE = Size(5, 2.0, 1.0, ())
"""The less is written, the less the smallest log grows beside the others."""
_WORKS = ("W1", "W2", "R1", "R2")
_SPREAD = """select '/api/v1/projects/' || id || '/tasks' from {project_list} where key like 'P%%'
    order by random() limit 1000"""
_TASKS = "select '/api/v1/tasks/' || id from {task_list} where key like 'P%%' order by random() limit 1500"
_VERSIONS = "select '/api/v1/tasks/' || id, version from {task_list} where id = any(%s)"


class Grown(Struct, frozen=True):
    """An instance whose log was so long at first, tasks from all of it, and those whose streams are of a length.

    As many tasks of the largest log as there are in the smallest: each is read once when it is changed first.
    """

    events: int
    ours: Instance
    tasks: Sequence[str]
    streams: Mapping[int, Sequence[str]]


def measure() -> None:
    """Measure, print and write it down."""
    began, found = time.monotonic(), machine.machine()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, _grown(Path(folder)) as all_of_them:
        say(f"Ready after {time.monotonic() - began:.0f} s.")
        found |= machine.server(all_of_them[-1].ours.connection)
        said = _first_changes(all_of_them[-1])
        rounds = []
        for count in range(1, _SIZE.rounds + 1):
            rounds.append(_round(all_of_them))
            say(f"Round {count} of {_SIZE.rounds} done after {time.monotonic() - began:.0f} s.")
    marks = [*told(rounds), lag(rounds)]
    results.write("growth", found, marks, rounds, ABSENT)
    table.show(marks, ABSENT, [*notes.of_rounds(rounds), *said, *machine.remarks(found)])
    table.show_usage(rounds)
    plot.growth(rounds, SIZES, LENGTHS)
    say(f"Done in {time.monotonic() - began:.0f} s: {results.LATEST}")


def told(rounds: Sequence[Round]) -> list[Mark]:
    """The largest log and the longest streams, and those between, beside the smallest."""
    return [*_by_log(rounds), *_by_stream(rounds)]


def of_log(work: str, size: int) -> str:
    """The name of its load."""
    return f"{work}, log of {size:,}"


def of_stream(work: str, length: int) -> str:
    """The same of streams."""
    return f"{work}, streams of {length:,}"


@contextlib.contextmanager
def _grown(folder: Path) -> Iterator[list[Grown]]:
    """One after the other, all up at once; the largest has the streams too."""
    with contextlib.ExitStack() as ending:
        found = []
        for size in SIZES:
            ours = ending.enter_context(instance(folder / str(size), projects=PROJECTS))
            streams = Streams(ours.user)
            if size == SIZES[-1]:
                history.write(ours.connection, ours.user, streams.happening())
            History(ours.user).fill(ours.connection, size - ours.head())
            say(f"{size:,} events are folded after {ours.caught_up(PATIENCE_S):.0f} s.")
            ours.connection.execute("vacuum (analyze)")
            paths = {length: [f"/api/v1/tasks/{task}" for task in tasks] for length, tasks in streams.tasks.items()}
            tasks = [path for (path,) in asked(ours.connection, _TASKS, ())]
            found.append(Grown(size, _on_all_of_it(ours), tasks, paths))
        yield found


def _on_all_of_it(ours: Instance) -> Instance:
    """Creates go to projects of the whole log, not of the board alone."""
    spread = [Target(path) for (path,) in asked(ours.connection, _SPREAD, ())]
    return replace(ours, board=replace(ours.board, spread=spread))


def _round(all_of_them: Sequence[Grown]) -> Round:
    found = Round()
    for work in _WORKS:
        for grown in all_of_them:
            _work(Turn(Stage(grown.ours, None, {}), _SIZE, found), grown, work)
    for length in LENGTHS:
        _on_streams(all_of_them[-1], length, found)
    return found


def _work(turn: Turn, grown: Grown, work: str) -> None:
    name = of_log(work, grown.events)
    match work:
        case "W1":
            turn.write(name, "creating", turn.board.spread)
        case "W2":
            turn.write(name, "editing", _versions(turn.ours, grown.tasks))
        case "R1":
            turn.read(name, turn.ours.address, turn.board.hot_task)
        case "R2":
            turn.read(name, turn.ours.address, turn.board.hot_page)


def _on_streams(grown: Grown, length: int, found: Round) -> None:
    turn, tasks = Turn(Stage(grown.ours, None, {}), _SIZE, found), grown.streams[length]
    turn.write(of_stream("W2", length), "editing", _versions(turn.ours, tasks), FEW)
    turn.read(of_stream("R1", length), turn.ours.address, Target(tasks[0]))


def _versions(ours: Instance, paths: Sequence[str]) -> list[Target]:
    ids = [path.rpartition("/")[2] for path in paths]
    return [Target(*row) for row in asked(ours.connection, _VERSIONS, (ids,))]


def _first_changes(grown: Grown) -> list[str]:
    """How long the first change of each takes, of which the process knows nothing yet, nor is there a snapshot."""
    return [
        f"G: the first change of a task of {length:,} events took {_first_ms(grown, length)} ms." for length in LENGTHS
    ]


def _first_ms(grown: Grown, length: int) -> str:
    headers, taken = {"Authorization": f"Bearer {grown.ours.token}"}, list[float]()
    with httpx.Client(base_url=grown.ours.address, headers=headers, timeout=60) as http:
        for task in grown.streams[length]:
            began = time.monotonic()
            http.patch(task, json={"title": "Buy oat milk", "expected_version": length}).raise_for_status()
            taken.append((time.monotonic() - began) * 1_000)
    return number(median(taken))


def _by_log(rounds: Sequence[Round]) -> Iterator[Mark]:
    small = SIZES[0]
    for work in _WORKS:
        peer = rates(rounds, of_log(work, small))
        for size in SIZES[1:]:
            measure = Measure("G", f"{work}, log of {size:,} events")
            yield measure.beside(f"log of {small:,}", rates(rounds, of_log(work, size)), peer, at_least(WITHIN))


def _by_stream(rounds: Sequence[Round]) -> Iterator[Mark]:
    short = LENGTHS[0]
    for work in ("W2", "R1"):
        peer = rates(rounds, of_stream(work, short))
        for length in LENGTHS[1:]:
            measure = Measure("G", f"{work}, streams of {length:,} events")
            yield measure.beside(f"streams of {short}", rates(rounds, of_stream(work, length)), peer, at_least(WITHIN))
