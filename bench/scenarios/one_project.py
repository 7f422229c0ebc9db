"""W1 where all tasks are created in one project, of which each takes the next number."""

from collections.abc import Sequence

from bench.harness.rounds import Round, Turn, rates
from bench.targets import Measure, Told, at_least

_CROWDED = Measure("W1 in one", "create tasks, in one project")


def turn(turn: Turn) -> None:
    turn.write("W1 in one project", "creating", [turn.board.crowded])


def told(rounds: Sequence[Round]) -> Told:
    return Told([_CROWDED.beside("library", rates(rounds, "W1 in one project"), rates(rounds, "stock"), at_least(7))])
