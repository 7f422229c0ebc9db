"""W1: tasks are created over HTTP, each in one of 1,000 projects, beside the stock application."""

from collections.abc import Sequence

from bench.harness.rounds import Round, Turn, rates
from bench.targets import Measure, Told, at_least

_W1 = Measure("W1", "create tasks, in 1,000 projects")


def turn(turn: Turn) -> None:
    turn.write("W1", "creating", turn.board.spread)
    turn.write_at("stock", "stock")


def told(rounds: Sequence[Round]) -> Told:
    return Told([_W1.beside("library", rates(rounds, "W1"), rates(rounds, "stock"), at_least(7))])
