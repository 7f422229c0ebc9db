"""H1: each figure is compared with its own mark."""

from bench.scenarios import past_reads
from bench.scenarios.past_reads import PastReads


def test_each_figure_has_a_mark() -> None:
    fine, slow = PastReads([300], [10], [20], [60]), PastReads([301], [11], [21], [61])
    assert [one.met for one in past_reads.report([fine]).results] == [True] * 4
    assert [one.met for one in past_reads.report([slow]).results] == [False] * 4
