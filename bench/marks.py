"""The marks: what a figure must reach, and whether this run reached it."""

from collections.abc import Sequence
from statistics import median, quantiles

from msgspec import Struct

from bench.load import Load
from bench.works import Rebuild, Round

LAG_S = 5.0


class Mark(Struct, frozen=True):
    """One line of the table; `ratio` is the median of the rounds' own ratios, `low` and `high` those of `value`."""

    work: str
    against: str
    value: float
    unit: str
    peer: float | None
    ratio: float | None
    mark: str
    met: bool
    low: float
    high: float


def marks(rounds: Sequence[Round], seen: Load, rebuild: Rebuild) -> list[Mark]:
    """All lines, in the order of docs/performance.md."""
    w1, crowded, stock = _rates(rounds, "W1"), _rates(rounds, "W1 one"), _rates(rounds, "W1 stock")
    w2, w3, fairness = _rates(rounds, "W2"), _changes(rounds), _fairness(rounds)
    latencies = quantiles(seen.latencies_ms, n=100)
    lags = [lag for one in rounds for lag in one.lags_s]
    folded = rebuild.events / rebuild.seconds
    return [
        _ratio("W1 create, in 1,000 projects", "stock eventsourcing", w1, stock, 7),
        _ratio("W1 create, in one project", "stock eventsourcing", crowded, stock, 7),
        _ratio("W2 change 10,000 tasks at random", "W1", w2, w1, 0.8),
        _ratio("W3 16 clients change one task", "W2", w3, w2, 0.5),
        _least("W3 slowest client, of the mean", fairness, 1 / 3, "x"),
        *(
            _ratio(work, "constant", _rates(rounds, name), _rates(rounds, f"{name} constant"), 0.7)
            for name, work in {"R1": "R1 one task, hot", "R2": "R2 page of 50, hot"}.items()
        ),
        _most("V1 acknowledged to visible, idle, p50", [latencies[49]], 10, "ms"),
        _most("V1 acknowledged to visible, idle, p99", [latencies[98]], 50, "ms"),
        _least("P2 rebuild of the task list", [folded], 100_000, "events/s"),
        _most("lag after writing, the longest", [max(lags)], LAG_S, "s"),
    ]


def _rates(rounds: Sequence[Round], name: str) -> list[float]:
    return [one.loads[name].per_second() for one in rounds]


def _changes(rounds: Sequence[Round]) -> list[float]:
    """What changed the task, per second: completing what is done is acknowledged, but is no work."""
    return [one.changed / one.loads["W3"].seconds for one in rounds]


def _fairness(rounds: Sequence[Round]) -> list[float]:
    counts = [one.loads["W3"].answered for one in rounds]
    return [min(clients) * len(clients) / max(1, sum(clients)) for clients in counts]


def _ratio(work: str, against: str, ours: list[float], peer: list[float], least: float) -> Mark:
    ratio = median(mine / its for mine, its in zip(ours, peer, strict=True))
    return Mark(
        work=work,
        against=against,
        value=median(ours),
        unit="/s",
        peer=median(peer),
        ratio=ratio,
        mark=f">= {least:g}x",
        met=ratio >= least,
        low=min(ours),
        high=max(ours),
    )


def _least(work: str, values: list[float], least: float, unit: str) -> Mark:
    mark = f">= {least:,.2g}" if least < 1 else f">= {least:,.0f}"
    return _bare(work, values, unit, mark, met=median(values) >= least)


def _most(work: str, values: list[float], most: float, unit: str) -> Mark:
    return _bare(work, values, unit, f"<= {most:g} {unit}", met=median(values) <= most)


def _bare(work: str, values: list[float], unit: str, mark: str, *, met: bool) -> Mark:
    value, low, high = median(values), min(values), max(values)
    return Mark(work, "-", value, unit, None, None, mark, met, low, high)
