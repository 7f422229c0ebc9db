"""Growth: the largest size compared with the smallest."""

import pytest

from bench import growth
from bench.data.streams import STREAM_LENGTHS_EVENTS
from bench.harness.load_result import LoadResult
from bench.harness.rounds import RoundResult

pytestmark = pytest.mark.slow

LARGE, LONG = growth.LOG_SIZES_EVENTS[-1], STREAM_LENGTHS_EVENTS[-1]


def test_large_logs_and_long_streams_must_reach_70_percent() -> None:
    fine = growth.target_results([round_of(large=70, long=70)])
    assert all(mark.met for mark in fine)
    missed = [mark.what for mark in growth.target_results([round_of(large=69, long=69)]) if not mark.met]
    assert missed == [
        "W1, log of 1,000,000 events",
        "W2, log of 1,000,000 events",
        "R1, log of 1,000,000 events",
        "R2, log of 1,000,000 events",
        "W2, streams of 10,000 events",
        "R1, streams of 10,000 events",
    ]


def round_of(large: int, long: int) -> RoundResult:
    """A round with 100 requests per second for all sizes but the largest log and the longest streams."""
    logs = {
        growth.log_load_name(work, size): 100 for work in ("W1", "W2", "R1", "R2") for size in growth.LOG_SIZES_EVENTS
    }
    streams = {growth.stream_load_name(work, length): 100 for work in ("W2", "R1") for length in STREAM_LENGTHS_EVENTS}
    logs |= {growth.log_load_name(work, LARGE): large for work in ("W1", "W2", "R1", "R2")}
    streams |= {growth.stream_load_name(work, LONG): long for work in ("W2", "R1")}
    loads = {name: LoadResult(1.0, [rate], {}, [], 0, 0.1) for name, rate in (logs | streams).items()}
    return RoundResult(loads)
