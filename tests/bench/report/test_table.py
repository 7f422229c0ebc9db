"""Tables: complete lines for any content."""

import pytest

from bench.report import table
from bench.targets import Metric, at_least, at_most

LONG = Metric("V1 commit to row", "the lane in process, 64 waiting, of all", "events/s")


def test_no_cell_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    ratio = LONG.against_baseline("log of 10,000", [1_234_567.0, 2_345_678.0], [1.0, 1.0], at_least(100_000))
    bare = LONG.against_threshold([1_234_567.0, 2_345_678.0], at_most(100_000))
    table.print_results([ratio, bare], {"H1": "no time travel yet"}, ["slow: /tasks?filter=[red]milk"])
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert printed.count("no") >= 2
    assert "absent" in printed
    assert "[red]milk" in printed
