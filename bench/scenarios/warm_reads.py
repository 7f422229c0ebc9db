"""R1 and R2: one task, and a page of 50, that nobody changes, beside a constant and the cache-aside stack."""

from collections.abc import Sequence

from bench.harness.rounds import Round, Turn, rates
from bench.targets import Measure, Told, at_least

_HOT = {"R1": Measure("R1", "one task, hot"), "R2": Measure("R2", "a page of 50, hot")}


def turn(turn: Turn) -> None:
    peers = turn.stage.peers
    for name, target in {"R1": turn.board.hot_task, "R2": turn.board.hot_page}.items():
        turn.read(name, turn.ours.address, target)
        turn.read(f"{name} constant", peers["constant"].address, target)
    turn.read("R2 aside", peers["cache_aside"].address, turn.board.hot_page)


def told(rounds: Sequence[Round]) -> Told:
    return Told(
        [
            *(
                hot.beside("constant", rates(rounds, name), rates(rounds, f"{name} constant"), at_least(0.7))
                for name, hot in _HOT.items()
            ),
            _HOT["R2"].beside("cache_aside", rates(rounds, "R2"), rates(rounds, "R2 aside"), at_least(5)),
        ]
    )
