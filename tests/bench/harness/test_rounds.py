"""A turn: what makes a measure void ends it."""

from pathlib import Path
from typing import Any, cast

import pytest

from bench.harness import rounds as one_round
from bench.harness.client_scripts import Target
from bench.harness.durability import NotDurable, on_disk
from bench.harness.load_generator import Load
from bench.harness.rounds import Round, Size, Stage, Turn

MEMORY = Path("/dev/shm")  # noqa: S108 - nothing is written there


class Ours:
    """An instance whose log does not grow, whatever is acknowledged."""

    pid, address, token, board = 0, "http://nowhere", "", None

    def head(self) -> int:
        return 7

    def caught_up(self) -> float:
        return 0.0


def turn_with(found: Load, patch: pytest.MonkeyPatch) -> Turn:
    """One in which every load comes to the same."""
    patch.setattr(one_round, "elsewhere", lambda *_: found)
    return Turn(Stage(cast("Any", Ours()), None, {}), Size(1, 1.0, 1.0, ()), Round())


def test_a_peer_that_refuses_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    fine, bad = Load(1.0, [99], {503: 1}, [], 0, 0.1), Load(1.0, [98], {503: 2}, [], 0, 0.1)
    turn_with(fine, monkeypatch).read("R1 constant", "http://nowhere", Target("/"))
    with pytest.raises(RuntimeError, match="R1 constant refused 2"):
        turn_with(bad, monkeypatch).read("R1 constant", "http://nowhere", Target("/"))


def test_what_was_acknowledged_and_is_not_in_the_log_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing, something = Load(1.0, [0], {}, [], 0, 0.1), Load(1.0, [1], {}, [], 0, 0.1)
    turn_with(nothing, monkeypatch).write("W1", "creating", [])
    with pytest.raises(RuntimeError, match="more was acknowledged"):
        turn_with(something, monkeypatch).write("W1", "creating", [])


@pytest.mark.skipif(not MEMORY.is_dir(), reason="a file system in memory is known to be there on Linux alone")
def test_nothing_is_measured_in_memory() -> None:
    with pytest.raises(NotDurable, match="TMPDIR"):
        on_disk(MEMORY / "bench")
