"""Tables: complete lines for any content."""

import pytest

from bench.report import table
from bench.targets import CostLine, Metric, at_least, at_most

pytestmark = pytest.mark.slow

LONG = Metric("V1 commit to row", "the lane in process, 64 waiting, of all", "by hand", "events/s")


def test_no_cell_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    ratio = LONG.against_baseline("log of 10,000", [1_234_567.0, 2_345_678.0], [1.0, 1.0], at_least(100_000))
    bare = LONG.against_threshold([1_234_567.0, 2_345_678.0], at_most(100_000))
    table.print_results([ratio, bare], {"H1": "no time travel yet"}, ["slow: /tasks?filter=[red]milk"])
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert printed.count("no") >= 2
    assert "absent" in printed
    assert "[red]milk" in printed


def test_a_median_does_not_hide_rounds_that_disagree(capsys: pytest.CaptureFixture[str]) -> None:
    often, seldom = (LONG.against_threshold(values, at_most(10)) for values in ([9, 10, 99], [9, 11, 12]))
    ratio = LONG.against_baseline("its peer", [10, 20, 30], [10, 40, 10], at_least(0.7))
    table.print_results([often, seldom, ratio, LONG.against_threshold([1, 2], at_most(10))], {}, [])
    endings = [line.split("  ")[-1].strip() for line in capsys.readouterr().out.splitlines()[1:]]
    assert endings == ["yes, 2 of 3", "no, 1 of 3", "yes, 2 of 3", "yes"]


def test_costs_are_medians_and_all_columns_are_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = ["api", "worker", "postgres", "rebuild", "serve", "valkey broker", "valkey cache", "load generator", "lane"]
    lines = [
        CostLine("V1 under load", 1_234_567.0, dict.fromkeys([*kinds, "peer"], us), syncs, busy)
        for us, syncs, busy in ((9_999.0, 2_000.0, 0.5), (1_111.0, 1_000.0, 0.4), (1_111.0, 3_000.0, 0.3))
    ]
    table.print_costs([*lines, CostLine("P1", 10_000.0, {"worker": 45.0}, 0.2)])
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert printed.count("1,111") == len(kinds) + 1
    assert "9,999" not in printed
    assert "40%" in printed
    assert "2,000" in printed
    assert printed.splitlines()[-1].split() == ["P1", "10,000", "45"], "what was not measured stays empty"
