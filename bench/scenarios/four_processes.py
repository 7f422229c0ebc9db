"""W1 by four API processes, of an instance with a board of its own."""

from collections.abc import Sequence

from bench.harness.load_generator import Load, Plan
from bench.harness.rounds import MANY, Round, Turn, rates
from bench.harness.run_module import elsewhere
from bench.targets import Measure, Told, at_least

_FOUR = Measure("W1 by four", "create tasks, in 1,000 projects")


def turn(turn: Turn) -> None:
    four, seconds = turn.stage.four, turn.size.writing_s
    if four is None:
        raise RuntimeError("There is no instance with four API processes.")
    plan = Plan("creating", four.address, four.token, MANY, seconds, four.board.spread)
    with turn.wrote("W1 by four", four):
        turn.round.loads["W1 by four"] = elsewhere("bench.harness.load_generator", plan, Load)


def told(rounds: Sequence[Round]) -> Told:
    return Told([_FOUR.beside("one process", rates(rounds, "W1 by four"), rates(rounds, "W1"), at_least(1))])
