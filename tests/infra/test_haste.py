"""Haste: a rebuild takes one core where others write, and all of them where nobody does."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra import log
from infra.database.pool import connect
from infra.rebuilding import throttle, worker_pool
from infra.rebuilding.throttle import BUSY_EVENTS_PER_S, Throttle
from infra.rebuilding.worker_pool import FoldPool, LogPart, PartResult
from infra.settings import Settings
from tests.examples import project, task, workspace
from tests.projections import oracle

MANY = 4
PARTS = [LogPart(1, "task_list", low, low + 1, 100, ()) for low in range(12)]


@pytest.fixture
def most(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many were at work whenever one began."""
    seen, at_work, lock = list[int](), [0], threading.Lock()

    def fill(_: LogPart) -> PartResult:
        with lock:
            at_work[0] += 1
            seen.append(at_work[0])
        time.sleep(0.02)
        with lock:
            at_work[0] -= 1
        return PartResult(1, 1)

    monkeypatch.setattr(worker_pool, "_fold_part_in_worker", fill)
    monkeypatch.setattr(throttle, "POLL_INTERVAL_S", 0.0)
    return seen


def log_of(*counts: int) -> Throttle:
    """A log to which so many events were written in the second before each look, and then as many as before."""
    looks, last = iter(counts), [0]

    def lately(most: int) -> int:
        last[0] = next(looks, last[0])
        return min(last[0], most)

    return Throttle(lately, MANY)


def filled(pace: Throttle) -> int:
    with ThreadPoolExecutor(MANY) as pool:
        return sum(one.events for one in FoldPool(pool, pace).fold_parts(PARTS))


def test_all_work_at_once_where_nobody_writes(most: list[int]) -> None:
    assert filled(log_of(0)) == len(PARTS)
    assert max(most) == MANY


def test_one_works_at_a_time_where_others_write(most: list[int]) -> None:
    assert filled(log_of(500)) == len(PARTS)
    assert max(most) == 1


def test_all_work_again_when_others_have_stopped(most: list[int]) -> None:
    assert filled(log_of(BUSY_EVENTS_PER_S, BUSY_EVENTS_PER_S, 0)) == len(PARTS)
    assert most[0] == 1
    assert max(most) == MANY


def test_an_event_now_and_then_is_nobody_at_work(most: list[int]) -> None:
    filled(log_of(BUSY_EVENTS_PER_S - 1))
    assert max(most) == MANY


def test_what_was_written_in_the_last_second_is_counted(settings: Settings) -> None:
    with connect(settings.migration_url) as connection:
        oracle.write(connection, [*workspace(), *project(), *task()])
        written = log.head(connection)
        assert log.count_last_second(connection, 50) == written
        assert log.count_last_second(connection, 2) == 2
        connection.execute("alter table log.events disable trigger all")
        connection.execute("update log.events set recorded_at = recorded_at - interval '2 s'")
        assert log.count_last_second(connection, 50) == 0
