"""W1 by load: creates that fall due at a pace, come what may, from a light one to more than there can be."""

from collections.abc import Sequence
from statistics import median

from bench.harness.rounds import Round, Turn, each
from bench.targets import Measure, Told, at_most, number, percentile

PACES, PEER_PACES = (250, 500, 1_000, 1_500, 2_000), (250, 500)
"""So many a second; the stock application at those that it may keep."""
AT = 1_000
KEPT_UP = 0.99
"""The share of a pace that must be answered, or its latency is no answer."""
_LATENCY = Measure("W1", "create tasks, 1,000/s fall due, p99", "ms")


def turn(turn: Turn) -> None:
    for pace in PACES:
        turn.write(ours(pace), "creating", turn.board.spread, rate=pace)
    for pace in PEER_PACES:
        turn.write_at("stock", stock(pace), rate=pace)


def told(rounds: Sequence[Round]) -> Told:
    p99s = each(rounds, ours(AT), lambda load: percentile(load.waited_ms(), 99))
    at_all = [_remark(rounds, name) for name in (*map(ours, PACES), *map(stock, PEER_PACES))]
    return Told([_LATENCY.alone(p99s, at_most(10)).unless(not keeps_up(rounds, ours(AT), AT))], at_all)


def ours(pace: int) -> str:
    """The name of its load."""
    return f"W1 at {pace:,}/s"


def stock(pace: int) -> str:
    """The same of the peer."""
    return f"stock at {pace:,}/s"


def keeps_up(rounds: Sequence[Round], name: str, pace: float) -> bool:
    """Whether as many were answered as fell due, in every round."""
    return min(each(rounds, name, lambda load: load.per_second())) >= KEPT_UP * pace


def _remark(rounds: Sequence[Round], name: str) -> str:
    reached = median(each(rounds, name, lambda load: load.per_second()))
    p50, p99 = (
        median(each(rounds, name, lambda load: percentile(load.waited_ms(), at)))  # noqa: B023 - used at once
        for at in (50, 99)
    )
    return f"{name}: {number(reached)}/s were reached, milliseconds p50 {number(p50)}, p99 {number(p99)}."
