"""W2: tasks out of 10,000 are changed at random, each on the version that was seen."""

from collections.abc import Sequence

from bench.harness.rounds import Round, Turn, rates
from bench.targets import Measure, Told, at_least

_W2 = Measure("W2", "change 10,000 tasks at random")


def turn(turn: Turn) -> None:
    turn.write("W2", "editing", turn.ours.first_tasks())


def told(rounds: Sequence[Round]) -> Told:
    return Told([_W2.beside("W1", rates(rounds, "W2"), rates(rounds, "W1"), at_least(0.8))])
