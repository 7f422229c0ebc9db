"""WAL syncs: a rate from a counter to which server processes add late."""

import time

import psycopg
import pytest

from bench.harness.wal_syncs import count_wal_syncs, sync_rate, track_wal_syncs
from infra.settings import Settings

pytestmark = pytest.mark.slow


def test_the_rate_is_that_between_two_late_steps_of_the_counter() -> None:
    """A process syncs 700 times a second for 3.5 s, and tells of it at once, then once a second."""
    told = {0: 1, 10: 700, 20: 1_400, 30: 2_100}
    samples, count = [(0.0, 50)], 50
    for tenth in range(1, 36):
        count = 50 + told[tenth // 10 * 10]
        samples.append((tenth / 10, count))
    assert abs((sync_rate(samples) or 0) - 700) < 40
    assert (samples[-1][1] - samples[0][1]) / 3.5 < 610, "from first to last sample, a part is missing"


def test_a_lone_step_may_be_that_of_an_earlier_load() -> None:
    assert sync_rate([(0.0, 5), (1.0, 5), (2.0, 900)]) is None
    assert sync_rate([(0.0, 5), (1.0, 6), (2.1, 900)]) is None
    assert sync_rate([(0.0, 5)]) is None


def test_the_server_tells_its_syncs(settings: Settings) -> None:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        assert count_wal_syncs(connection) >= 0
        with track_wal_syncs(connection) as syncs:
            time.sleep(0.25)
        assert syncs.per_second() is None, "a quarter of a second is too short"
