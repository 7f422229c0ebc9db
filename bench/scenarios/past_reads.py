"""H1: a project of 10,000 tasks as it was at random positions of the log: its board, and pages of its tasks."""

import random
import time
from collections.abc import Iterator, Sequence
from statistics import median

import httpx
from msgspec import Struct

from bench.data.past_project import CHANGES_PER_PART, PARTS, TASK_COUNT, PastProject
from bench.harness.instance import BenchInstance
from bench.targets import Metric, ScenarioReport, TargetResult, at_most, format_number, percentile

BOARD_POSITIONS, PAGE_POSITIONS, WARM_UP_POSITIONS = 60, 400, 10
SORTS = ("rank", "-updated", "due", "-priority", "title")
"""The orders of the pages, in turns."""
_HOW = (
    f"On the instance with the largest log: a project of {TASK_COUNT:,} tasks, whose {PARTS * CHANGES_PER_PART:,} "
    "changes lie between the parts of that log. One client asks about random positions since the tasks were created, "
    "each another one, so that no cache of ours has any answer; `again` is the same question right after its answer."
)
_COLD = Metric("H1", f"board of {TASK_COUNT:,} tasks as of a position, cold, p99", _HOW, "ms")
_AGAIN = Metric("H1", "the same board again, p99", _HOW, "ms")
_PAGE = Metric("H1", "a page of 50 as of a position, cold, p99", _HOW, "ms")
_STEP = Metric("H1", "a step of a scrubber: the board 100 events later, median", _HOW, "ms")


class PastReads(Struct, frozen=True):
    """How long each answer took, in milliseconds."""

    cold_ms: list[float]
    again_ms: list[float]
    page_ms: list[float]
    step_ms: list[float]


def measure(ours: BenchInstance, past: PastProject) -> PastReads:
    """Ask about positions from the creation of the tasks to the end of the log."""
    rng, head = random.Random(5), ours.log_head()
    drawn = iter(rng.sample(range(past.first_position, head), BOARD_POSITIONS + PAGE_POSITIONS + WARM_UP_POSITIONS))
    board, page = (f"/api/v1/projects/{past.project.id}/{name}" for name in ("board", "tasks"))
    headers = {"Authorization": f"Bearer {ours.token}"}
    found = PastReads([], [], [], [])
    with httpx.Client(base_url=ours.address, headers=headers, timeout=60) as http:
        for _ in range(WARM_UP_POSITIONS):
            _answer_ms(http, board, at_position=next(drawn))
        for _ in range(BOARD_POSITIONS):
            position = next(drawn)
            found.cold_ms.append(_answer_ms(http, board, at_position=position))
            found.again_ms.append(_answer_ms(http, board, at_position=position))
            found.step_ms.append(_answer_ms(http, board, at_position=min(position + 100, head)))
        for number in range(PAGE_POSITIONS):
            sort = SORTS[number % len(SORTS)]
            found.page_ms.append(_answer_ms(http, page, at_position=next(drawn), limit=50, sort=sort))
    return found


def report(rounds: Sequence[PastReads]) -> ScenarioReport:
    return ScenarioReport(list(_results(rounds)), [note for reads in rounds for note in _notes(reads)])


def _results(rounds: Sequence[PastReads]) -> Iterator[TargetResult]:
    yield _COLD.against_threshold([percentile(reads.cold_ms, 99) for reads in rounds], at_most(300))
    yield _AGAIN.against_threshold([percentile(reads.again_ms, 99) for reads in rounds], at_most(10))
    yield _PAGE.against_threshold([percentile(reads.page_ms, 99) for reads in rounds], at_most(20))
    yield _STEP.against_threshold([median(reads.step_ms) for reads in rounds], at_most(60))


def _notes(reads: PastReads) -> Iterator[str]:
    medians = {name: format_number(median(getattr(reads, name))) for name in reads.__struct_fields__}
    yield (
        f"H1: medians: board {medians['cold_ms']} ms, again {medians['again_ms']} ms, page {medians['page_ms']} ms; "
        f"the slowest page took {format_number(max(reads.page_ms))} ms."
    )


def _answer_ms(http: httpx.Client, path: str, **parameters: str | int) -> float:
    began = time.monotonic()
    http.get(path, params=parameters).raise_for_status()
    return (time.monotonic() - began) * 1_000
