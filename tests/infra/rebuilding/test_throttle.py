"""The throttle: a rebuild takes one core while clients write, and all cores otherwise."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra import log
from infra.database.connections import connect
from infra.rebuilding import fold_pool, throttle
from infra.rebuilding.fold_pool import FoldPool, LogPart, PartResult
from infra.rebuilding.throttle import BUSY_EVENTS_PER_S, Throttle
from infra.settings import Settings
from projections import task_list
from tests.examples import project, task, workspace
from tests.projections import oracle

MAX_CONCURRENCY = 4
PARTS = [LogPart(1, task_list.projection, low, low + 1, 100, ()) for low in range(12)]


@pytest.fixture
def concurrency_samples(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For each part, the number of parts in progress when it began."""
    seen, at_work, lock = list[int](), [0], threading.Lock()

    def fill(_: LogPart) -> PartResult:
        with lock:
            at_work[0] += 1
            seen.append(at_work[0])
        time.sleep(0.02)
        with lock:
            at_work[0] -= 1
        return PartResult(1, 1)

    monkeypatch.setattr(fold_pool, "_fold_part_in_worker", fill)
    monkeypatch.setattr(throttle, "POLL_INTERVAL_S", 0.0)
    return seen


def throttle_for(*counts: int) -> Throttle:
    """A throttle that reads these counts of recent events, one per poll, then repeats the last."""
    counts_left, last = iter(counts), [0]

    def lately(most: int) -> int:
        last[0] = next(counts_left, last[0])
        return min(last[0], most)

    return Throttle(lately, MAX_CONCURRENCY)


def fill_all(throttle: Throttle) -> int:
    with ThreadPoolExecutor(MAX_CONCURRENCY) as pool:
        return sum(one.events for one in FoldPool(pool, throttle).fold_parts(PARTS))


def test_full_concurrency_on_an_idle_log(concurrency_samples: list[int]) -> None:
    assert fill_all(throttle_for(0)) == len(PARTS)
    assert max(concurrency_samples) == MAX_CONCURRENCY


def test_one_part_at_a_time_while_others_write(concurrency_samples: list[int]) -> None:
    assert fill_all(throttle_for(500)) == len(PARTS)
    assert max(concurrency_samples) == 1


def test_full_concurrency_returns_when_writes_stop(concurrency_samples: list[int]) -> None:
    assert fill_all(throttle_for(BUSY_EVENTS_PER_S, BUSY_EVENTS_PER_S, 0)) == len(PARTS)
    assert concurrency_samples[0] == 1
    assert max(concurrency_samples) == MAX_CONCURRENCY


def test_occasional_events_do_not_throttle(concurrency_samples: list[int]) -> None:
    fill_all(throttle_for(BUSY_EVENTS_PER_S - 1))
    assert max(concurrency_samples) == MAX_CONCURRENCY


def test_events_of_the_last_second_are_counted(settings: Settings) -> None:
    with connect(settings.migration_url) as connection:
        oracle.append_facts(connection, [*workspace(), *project(), *task()])
        written = log.head(connection)
        assert log.count_last_second(connection, 50) == written
        assert log.count_last_second(connection, 2) == 2
        connection.execute("alter table log.events disable trigger all")
        connection.execute("update log.events set recorded_at = recorded_at - interval '2 s'")
        assert log.count_last_second(connection, 50) == 0
