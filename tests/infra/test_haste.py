"""Haste: a rebuild takes one core where others write, and all of them where nobody does."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra import crew, haste
from infra.crew import Crew, Filled, Part
from infra.haste import BUSY, Haste

MANY = 4
PARTS = [Part(1, "task_list", low, low + 1, 100, ()) for low in range(12)]


@pytest.fixture
def most(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many were at work whenever one began."""
    seen, at_work, lock = list[int](), [0], threading.Lock()

    def fill(_: Part) -> Filled:
        with lock:
            at_work[0] += 1
            seen.append(at_work[0])
        time.sleep(0.02)
        with lock:
            at_work[0] -= 1
        return Filled(1, 1)

    monkeypatch.setattr(crew, "_fill", fill)
    monkeypatch.setattr(haste, "LOOK_S", 0.0)
    return seen


def growing(a_second: float) -> Haste:
    """A log that grows by so many events a second."""
    began = time.monotonic()
    return Haste(lambda: int(1_000_000 + a_second * (time.monotonic() - began)), MANY)


def filled(pace: Haste) -> int:
    with ThreadPoolExecutor(MANY) as pool:
        return sum(one.events for one in Crew(pool, pace).fill(PARTS))


def test_all_work_at_once_where_nobody_writes(most: list[int]) -> None:
    assert filled(growing(0)) == len(PARTS)
    assert max(most) == MANY


def test_one_works_at_a_time_where_others_write(most: list[int]) -> None:
    pace = growing(2_000 * BUSY)
    time.sleep(0.01)
    assert filled(pace) == len(PARTS)
    assert max(most) == 1


def test_all_work_again_when_others_have_stopped(most: list[int]) -> None:
    heads = iter([0, 1_000])
    pace = Haste(lambda: next(heads, 1_000), MANY)
    assert filled(pace) == len(PARTS)
    assert most[0] == 1
    assert max(most) == MANY


def test_an_event_now_and_then_is_nobody_at_work() -> None:
    heads = iter([0, 1])
    pace = Haste(lambda: next(heads), MANY)
    pace._at -= 1.0  # noqa: SLF001 - a second ago
    assert pace.at_once() > MANY
