"""W3: sixteen clients change one task, and name no version."""

from collections.abc import Sequence

from bench.harness.load_generator import Load
from bench.harness.rounds import FEW, Round, Turn, each, rates
from bench.targets import Measure, Told, at_least

_W3 = Measure("W3", "16 clients change one task")
_SLOWEST = Measure("W3", "16 clients change one task, the slowest")


def turn(turn: Turn) -> None:
    before = turn.ours.version(turn.board.contended)
    turn.write("W3", "toggling", [turn.board.contended], FEW)
    turn.round.counted["W3"] = turn.ours.version(turn.board.contended) - before


def told(rounds: Sequence[Round]) -> Told:
    acknowledged = sum(each(rounds, "W3", lambda load: sum(load.answered)))
    changed = sum(one.counted["W3"] for one in rounds)
    return Told(
        [
            _W3.beside("W2", rates(rounds, "W3"), rates(rounds, "W2"), at_least(0.5)),
            _SLOWEST.beside("mean", each(rounds, "W3", _slowest), each(rounds, "W3", _mean), at_least(1 / 3)),
        ],
        [f"W3: {acknowledged} acknowledged, of which {changed} changed the task; only these are counted as its rate."],
    )


def _slowest(load: Load) -> float:
    return min(load.answered) / load.seconds


def _mean(load: Load) -> float:
    """At least so little that nobody is divided by zero."""
    return max(1, sum(load.answered)) / len(load.answered) / load.seconds
