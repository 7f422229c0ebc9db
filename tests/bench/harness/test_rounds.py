"""A round: it ends if a measurement is invalid."""

from pathlib import Path
from typing import Any, cast

import pytest

from bench.data.http_target import HttpTarget
from bench.harness import rounds as one_round
from bench.harness.durability import NotDurable, require_on_disk
from bench.harness.load_result import LoadResult
from bench.harness.rounds import Environment, RoundConfig, RoundResult, RoundRunner

MEMORY = Path("/dev/shm")  # noqa: S108 - nothing is written there


class InstanceWithFixedHead:
    """An instance whose log never grows, whatever it acknowledges."""

    pid, address, token, board = 0, "http://nowhere", "", None

    def log_head(self) -> int:
        return 7

    def wait_caught_up(self) -> float:
        return 0.0


def runner_with(load_result: LoadResult, patch: pytest.MonkeyPatch) -> RoundRunner:
    """A runner whose loads all have the same result."""
    patch.setattr(one_round, "run_module", lambda *_: load_result)
    return RoundRunner(
        Environment(cast("Any", InstanceWithFixedHead()), None, {}), RoundConfig(1, 1.0, 1.0, ()), RoundResult()
    )


def test_a_peer_that_refuses_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    fine, bad = LoadResult(1.0, [99], {503: 1}, [], 0, 0.1), LoadResult(1.0, [98], {503: 2}, [], 0, 0.1)
    runner_with(fine, monkeypatch).run_reads("R1 constant", "http://nowhere", HttpTarget("/"))
    with pytest.raises(RuntimeError, match="R1 constant: 2 requests were refused"):
        runner_with(bad, monkeypatch).run_reads("R1 constant", "http://nowhere", HttpTarget("/"))


def test_acknowledged_events_missing_from_the_log_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing, something = LoadResult(1.0, [0], {}, [], 0, 0.1), LoadResult(1.0, [1], {}, [], 0, 0.1)
    runner_with(nothing, monkeypatch).run_writes("W1", "create_tasks", [])
    with pytest.raises(RuntimeError, match="more requests were acknowledged"):
        runner_with(something, monkeypatch).run_writes("W1", "create_tasks", [])


@pytest.mark.skipif(not MEMORY.is_dir(), reason="a file system in memory is known to be there on Linux alone")
def test_nothing_is_measured_in_memory() -> None:
    with pytest.raises(NotDurable, match="TMPDIR"):
        require_on_disk(MEMORY / "bench")
