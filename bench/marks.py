"""The marks: what a figure must reach, and whether this run reached it."""

from collections.abc import Iterator, Sequence
from math import inf
from statistics import median, quantiles

from msgspec import Struct

from bench.cold import Cold
from bench.folding import Folding
from bench.following import Followed
from bench.load import Load
from bench.peers.projection import Projecting
from bench.rebuild import LOOKS, WRITES, Disturbed, Rebuilt
from bench.works import RATE, Round

LAG_S = 5.0
WITHIN_MS = {50: 10.0, 99: 50.0}
"""The most milliseconds for so many of a hundred."""
COLD_MS = 20.0
KEPT_UP = 0.99
"""The share of a pace that must be answered, or its latency is no answer."""


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


class _Beside(Struct, frozen=True):
    """Two figures by the names of their loads, and what their ratio must be: at least, or at most."""

    work: str
    ours: str
    against: str
    peer: str
    limit: float
    unit: str = "/s"
    at_most: bool = False


_RATES = (
    _Beside("W1 create, in 1,000 projects", "W1", "stock eventsourcing", "stock", 7),
    _Beside("W1 create, in 1,000 projects", "W1", "UmaDB", "umadb", 0.5),
    _Beside("W1 create, in 1,000 projects", "W1", "echo", "echo", 0.4),
    _Beside("echo: create without a store", "echo", "raw ASGI", "W1 raw", 0.3),
    _Beside("W1 create, in one project", "W1 one", "stock eventsourcing", "stock", 7),
    _Beside("W1 create, four API processes", "W1 four", "one process", "W1", 1),
    _Beside("L1 the lane in process, 64 waiting", "L1", "UmaDB", "umadb", 1.2),
    _Beside("W2 change 10,000 tasks at random", "W2", "W1", "W1", 0.8),
    _Beside("W3 16 clients change one task", "W3", "W2", "W2", 0.5),
    _Beside("R1 one task, hot", "R1", "constant", "R1 constant", 0.7),
    _Beside("R2 page of 50, hot", "R2", "constant", "R2 constant", 0.7),
    _Beside("R2 page of 50, hot", "R2", "cache-aside: FastAPI, SQLAlchemy, Redis", "R2 aside", 5),
    _Beside("constant: one task", "R1 constant", "raw ASGI", "R1 raw", 0.4),
    _Beside("constant: page of 50", "R2 constant", "raw ASGI", "R2 raw", 0.4),
)
_REBUILD = _Beside("P2 rebuild of the task list", "rebuild", "ProjectionRunner", "runner", 40, "events/s")
_DISTURBED = _Beside("P3 page of 50, during a rebuild, p99", "during", "quiet", "quiet", 3, "ms", at_most=True)
_ALONE = _Beside("L1 latency, one client, p50", "handled", "bare append", "appended", 1.3, "ms", at_most=True)


def marks(
    rounds: Sequence[Round], seen: Load, rows_ms: Sequence[float], folded: Folding, cold: Cold | None = None
) -> list[Mark]:
    """A line for each mark whose loads were measured."""
    lags = [lag for one in rounds for lag in one.lags_s]
    return [
        *_ratios(rounds),
        _least("W3 slowest client, of the mean", [_fairness(one.loads["W3"]) for one in rounds], 1 / 3, "x"),
        *_paced([one.loads["W1 paced"] for one in rounds if "W1 paced" in one.loads]),
        *_alone(rounds),
        *_cold(cold),
        *_visible("V1 acknowledged to visible, idle", [seen]),
        *(
            _most(f"V1 commit to row, idle, p{at}", [_percentile(rows_ms, at)], most, "ms")
            for at, most in WITHIN_MS.items()
        ),
        *_visible_under_load(rounds),
        *_followed(folded.followed),
        *_rebuilt(folded.rebuilds, folded.peer),
        *_disturbed(folded.disturbed),
        _most("lag after writing, the longest", [max(lags)], LAG_S, "s"),
    ]


def _ratios(rounds: Sequence[Round]) -> Iterator[Mark]:
    for row in _RATES:
        if {row.ours, row.peer} <= rounds[0].loads.keys():
            ours, peer = ([one.per_second(name) for one in rounds] for name in (row.ours, row.peer))
            yield _beside(row, ours, peer)


def _fairness(load: Load) -> float:
    """The answers that the slowest client got, of what all got on average."""
    return min(load.answered) * len(load.answered) / max(1, sum(load.answered))


def _paced(loads: Sequence[Load]) -> Iterator[Mark]:
    if loads:
        p99s = [_percentile(load.latencies_ms, 99) for load in loads]
        yield _most("W1 at 1,000/s, open loop, p99", p99s, 10, "ms", unless=not _kept_up(loads))


def _visible_under_load(rounds: Sequence[Round]) -> Iterator[Mark]:
    busy = [one for one in rounds if "V1" in one.loads]
    if busy:
        kept_up = _kept_up([one.loads["V1 paced"] for one in busy])
        yield from _visible("V1 the same, at 1,000/s", [one.loads["V1"] for one in busy], unless=not kept_up)


def _visible(work: str, looks: Sequence[Load], *, unless: bool = False) -> Iterator[Mark]:
    """A look that was refused was not seen in time, whatever the others say."""
    unless = unless or any(load.refused for load in looks)
    for percent, most in WITHIN_MS.items():
        values = [_percentile(load.latencies_ms, percent) for load in looks]
        yield _most(f"{work}, p{percent}", values, most, "ms", unless=unless)


def _kept_up(loads: Sequence[Load]) -> bool:
    return median(load.per_second() for load in loads) >= KEPT_UP * RATE


def _percentile(values: Sequence[float], percent: int) -> float:
    """Without any value nothing was answered: for ever."""
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else (*values, inf)[0]


def _alone(rounds: Sequence[Round]) -> Iterator[Mark]:
    idle = [one.idle for one in rounds if one.idle]
    if idle:
        yield _beside(_ALONE, [median(one.handled_ms) for one in idle], [median(one.appended_ms) for one in idle])


def _cold(found: Cold | None) -> Iterator[Mark]:
    """A question that is refused costs nothing, and is no answer."""
    if found:
        all_answered = not found.load.refused and len(found.load.latencies_ms) >= KEPT_UP * len(found.asked)
        p99 = _percentile(found.load.latencies_ms, 99)
        yield _most("R3 page of 50, cold and filtered, p99", [p99], COLD_MS, "ms", unless=not all_answered)


def _followed(found: Sequence[Followed]) -> Iterator[Mark]:
    for one in found:
        many = "one worker" if one.workers == 1 else f"{one.workers} workers"
        yield _least(f"P1 all projections, {many}", [one.per_second()], 10_000, "events/s")


def _rebuilt(rebuilds: Sequence[Rebuilt], peer: Projecting) -> Iterator[Mark]:
    rates = [one.per_second() for one in rebuilds]
    yield _least(_REBUILD.work, rates, 100_000, _REBUILD.unit)
    yield _beside(_REBUILD, rates, [peer.per_second()] * len(rates))
    yield _most("P2 memory of all its processes", [one.peak_bytes / 2**20 for one in rebuilds], 1_024, "MiB")


def _disturbed(found: Sequence[Disturbed]) -> Iterator[Mark]:
    """Where answers are refused, or a pace is not kept, those that came say nothing."""
    if found:
        during, quiet = ([_percentile(load.latencies_ms, 99) for load in side] for side in _looks(found))
        is_served = all(_is_served(one.during, LOOKS) and _is_served(one.during_writes, WRITES) for one in found)
        yield _beside(_DISTURBED, during, quiet, unless=not is_served)
        wrong = sum(load.wrong + sum(load.refused.values()) for one in found for load in (one.quiet, one.during))
        yield _most("P3 answers that were wrong, or none", [wrong], 0, "")


def _looks(found: Sequence[Disturbed]) -> tuple[list[Load], list[Load]]:
    return [one.during for one in found], [one.quiet for one in found]


def _is_served(load: Load, rate: float) -> bool:
    return load.per_second() >= KEPT_UP * rate


def _beside(row: _Beside, ours: Sequence[float], peer: Sequence[float], *, unless: bool = False) -> Mark:
    ratio = median(mine / its for mine, its in zip(ours, peer, strict=True))
    return Mark(
        work=row.work,
        against=row.against,
        value=median(ours),
        unit=row.unit,
        peer=median(peer),
        ratio=ratio,
        mark=f"{'<=' if row.at_most else '>='} {row.limit:g}x",
        met=(ratio <= row.limit if row.at_most else ratio >= row.limit) and not unless,
        low=min(ours),
        high=max(ours),
    )


def _least(work: str, values: Sequence[float], least: float, unit: str) -> Mark:
    mark = f">= {least:,.2g}" if least < 1 else f">= {least:,.0f}"
    return _bare(work, values, unit, mark, met=median(values) >= least)


def _most(work: str, values: Sequence[float], most: float, unit: str, *, unless: bool = False) -> Mark:
    return _bare(work, values, unit, f"<= {most:g} {unit}".rstrip(), met=median(values) <= most and not unless)


def _bare(work: str, values: Sequence[float], unit: str, mark: str, *, met: bool) -> Mark:
    return Mark(work, "-", median(values), unit, None, None, mark, met, min(values), max(values))
