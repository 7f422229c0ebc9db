"""Haste: a rebuild takes one core where others write, and all of them where nobody does."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra import log
from infra.database.pool import connect
from infra.rebuilding import throttle, worker_pool
from infra.rebuilding.throttle import BUSY, Haste
from infra.rebuilding.worker_pool import Crew, Filled, Part
from infra.settings import Settings
from tests.examples import project, task, workspace
from tests.projections import oracle

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

    monkeypatch.setattr(worker_pool, "_fill", fill)
    monkeypatch.setattr(throttle, "LOOK_S", 0.0)
    return seen


def log_of(*counts: int) -> Haste:
    """A log to which so many events were written in the second before each look, and then as many as before."""
    looks, last = iter(counts), [0]

    def lately(most: int) -> int:
        last[0] = next(looks, last[0])
        return min(last[0], most)

    return Haste(lately, MANY)


def filled(pace: Haste) -> int:
    with ThreadPoolExecutor(MANY) as pool:
        return sum(one.events for one in Crew(pool, pace).fill(PARTS))


def test_all_work_at_once_where_nobody_writes(most: list[int]) -> None:
    assert filled(log_of(0)) == len(PARTS)
    assert max(most) == MANY


def test_one_works_at_a_time_where_others_write(most: list[int]) -> None:
    assert filled(log_of(500)) == len(PARTS)
    assert max(most) == 1


def test_all_work_again_when_others_have_stopped(most: list[int]) -> None:
    assert filled(log_of(BUSY, BUSY, 0)) == len(PARTS)
    assert most[0] == 1
    assert max(most) == MANY


def test_an_event_now_and_then_is_nobody_at_work(most: list[int]) -> None:
    filled(log_of(BUSY - 1))
    assert max(most) == MANY


def test_what_was_written_in_the_last_second_is_counted(settings: Settings) -> None:
    with connect(settings.migration_url) as connection:
        oracle.write(connection, [*workspace(), *project(), *task()])
        written = log.head(connection)
        assert log.lately(connection, 50) == written
        assert log.lately(connection, 2) == 2
        connection.execute("alter table log.events disable trigger all")
        connection.execute("update log.events set recorded_at = recorded_at - interval '2 s'")
        assert log.lately(connection, 50) == 0
