"""Ceilings: creates without a store, and everything without anything, on the same server."""

from collections.abc import Sequence

from bench.harness.rounds import Round, Turn, rates
from bench.targets import Mark, Measure, Told, at_least

_W1 = Measure("W1", "create tasks, in 1,000 projects")
_ECHO = Measure("echo", "create tasks without a store")
_CONSTANT = {"R1": Measure("constant", "one task"), "R2": Measure("constant", "a page of 50")}


def turn(turn: Turn) -> None:
    turn.write_at("echo", "echo")
    turn.write_at("raw_asgi", "echo raw")
    for name, target in {"R1": turn.board.hot_task, "R2": turn.board.hot_page}.items():
        turn.read(f"{name} raw", turn.stage.peers["raw_asgi"].address, target)


def told(rounds: Sequence[Round]) -> Told:
    echo = rates(rounds, "echo")
    return Told(
        [
            _W1.beside("echo", rates(rounds, "W1"), echo, at_least(0.4)),
            _ECHO.beside("raw_asgi", echo, rates(rounds, "echo raw"), at_least(0.3)),
            *(_constant(rounds, name, measure) for name, measure in _CONSTANT.items()),
        ]
    )


def _constant(rounds: Sequence[Round], name: str, measure: Measure) -> Mark:
    ours, theirs = rates(rounds, f"{name} constant"), rates(rounds, f"{name} raw")
    return measure.beside("raw_asgi", ours, theirs, at_least(0.4))
