"""Targets: our figures, what each is compared with, and whether it meets its target."""

from collections.abc import Sequence
from math import ceil, inf
from statistics import median
from typing import Literal, Self

from msgspec import Struct
from msgspec.structs import replace

Bound = Literal["at least", "at most"]


class TargetResult(Struct, frozen=True):
    """One line of the table: `value` and `peer` are medians of the rounds, `low` and `high` the range of `value`.

    `ratio` is the median of the rounds' own ratios. With a peer, `mark` is the target for the ratio, else the target
    for the value. `how` tells how it is measured, `met_by` in how many of the `rounds` the target was met: a median
    hides the others.
    """

    work: str
    what: str
    against: str
    value: float
    unit: str
    peer: float | None
    ratio: float | None
    mark: float
    bound: Bound
    met: bool
    low: float
    high: float
    how: str
    met_by: int
    rounds: int

    def fail_if(self, is_invalid: bool) -> Self:  # noqa: FBT001 - it reads as a sentence
        """The same result, but not met if the figure is invalid."""
        return replace(self, met=self.met and not is_invalid)


class CostLine(Struct, frozen=True):
    """What a load cost in one round: microseconds of processor time for each answer (or event), by kind of process.

    The syncs are those of PostgreSQL's log. `client_busy_share` is the use of one processor by the client that made the
    load: near 1, the client was the limit.
    """

    work: str
    per_second: float
    cpu_us: dict[str, float]
    wal_syncs_per_s: float | None = None
    client_busy_share: float | None = None


class ScenarioReport(Struct, frozen=True):
    """The report of a scenario: lines of the table, notes on what they would hide, and what it cost in each round."""

    results: Sequence[TargetResult]
    notes: Sequence[str] = ()
    costs: Sequence[CostLine] = ()


class Threshold(Struct, frozen=True):
    """The bound that a figure must meet."""

    value: float
    bound: Bound

    def is_met_by(self, value: float) -> bool:
        """Whether a figure meets the bound."""
        return value >= self.value if self.bound == "at least" else value <= self.value


def at_least(value: float) -> Threshold:
    return Threshold(value, "at least")


def at_most(value: float) -> Threshold:
    return Threshold(value, "at most")


class Metric(Struct, frozen=True):
    """What is measured: the short name of the scenario, a description, how it is measured, and the unit."""

    work: str
    what: str
    how: str
    unit: str = "/s"

    def against_baseline(
        self, against: str, ours: Sequence[float], peer: Sequence[float], threshold: Threshold
    ) -> TargetResult:
        """Compare our rates with a peer's, round by round."""
        ratios = [mine / its for mine, its in zip(ours, peer, strict=True)]
        judged = self.against_threshold(ratios, threshold)
        values = {"value": median(ours), "low": min(ours), "high": max(ours)}
        return replace(judged, against=against, peer=median(peer), ratio=median(ratios), **values)

    def against_threshold(self, values: Sequence[float], threshold: Threshold) -> TargetResult:
        """Compare our values with a threshold."""
        return TargetResult(
            work=self.work,
            what=self.what,
            against="-",
            value=median(values),
            unit=self.unit,
            peer=None,
            ratio=None,
            mark=threshold.value,
            bound=threshold.bound,
            met=threshold.is_met_by(median(values)),
            low=min(values),
            high=max(values),
            how=self.how,
            met_by=sum(map(threshold.is_met_by, values)),
            rounds=len(values),
        )


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` percent of the values do not exceed; infinite if there are none (nothing answered)."""
    return sorted(values)[ceil(len(values) * percent / 100) - 1] if values else inf


def format_number(value: float) -> str:
    """A number for people: three significant digits below 100."""
    if value == inf:
        return "never"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 - three digits
