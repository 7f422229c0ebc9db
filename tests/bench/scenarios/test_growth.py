"""Growth: the largest beside the smallest."""

from bench.data.streams import LENGTHS
from bench.harness.load_generator import Load
from bench.harness.rounds import Round
from bench.scenarios import growth

LARGE, LONG = growth.SIZES[-1], LENGTHS[-1]


def test_what_grows_may_take_so_much_and_no_more() -> None:
    fine = growth.told([round_of(large=70, long=70)])
    assert all(mark.met for mark in fine)
    missed = [mark.what for mark in growth.told([round_of(large=69, long=69)]) if not mark.met]
    assert missed == [
        "W1, log of 1,000,000 events",
        "W2, log of 1,000,000 events",
        "R1, log of 1,000,000 events",
        "R2, log of 1,000,000 events",
        "W2, streams of 10,000 events",
        "R1, streams of 10,000 events",
    ]


def round_of(large: int, long: int) -> Round:
    """One that does 100 a second of all but the largest and the longest."""
    logs = {growth.of_log(work, size): 100 for work in ("W1", "W2", "R1", "R2") for size in growth.SIZES}
    streams = {growth.of_stream(work, length): 100 for work in ("W2", "R1") for length in LENGTHS}
    logs |= {growth.of_log(work, LARGE): large for work in ("W1", "W2", "R1", "R2")}
    streams |= {growth.of_stream(work, LONG): long for work in ("W2", "R1")}
    loads = {name: Load(1.0, [rate], {}, [], 0, 0.1) for name, rate in (logs | streams).items()}
    return Round(loads)
