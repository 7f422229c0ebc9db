"""A mark: a figure of ours, beside what it is held against, and whether it is reached."""

from collections.abc import Sequence
from math import ceil, inf
from statistics import median
from typing import Literal, Self

from msgspec import Struct
from msgspec.structs import replace

Bound = Literal["at least", "at most"]


class TargetResult(Struct, frozen=True):
    """One line of the table: value and peer are medians of the rounds, in the unit; low and high are of `value`.

    The ratio is the median of the rounds' own ratios. Where there is a peer, `mark` is what that must be, else what
    the value must be.
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

    def fail_if(self, is_invalid: bool) -> Self:  # noqa: FBT001 - it reads as a sentence
        """Not met, whatever the figure, where that is void."""
        return replace(self, met=self.met and not is_invalid)


class ScenarioReport(Struct, frozen=True):
    """What came of a work: lines of the table, and what they would hide."""

    results: Sequence[TargetResult]
    notes: Sequence[str] = ()


class Threshold(Struct, frozen=True):
    """What must be reached."""

    value: float
    bound: Bound

    def is_met_by(self, value: float) -> bool:
        """Whether it is."""
        return value >= self.value if self.bound == "at least" else value <= self.value


def at_least(value: float) -> Threshold:
    return Threshold(value, "at least")


def at_most(value: float) -> Threshold:
    return Threshold(value, "at most")


class Metric(Struct, frozen=True):
    """What is measured: the work by its name in the list of works, in which way, and in which unit."""

    work: str
    what: str
    unit: str = "/s"

    def against_baseline(
        self, against: str, ours: Sequence[float], peer: Sequence[float], threshold: Threshold
    ) -> TargetResult:
        """Ours and a peer's, round by round."""
        ratio = median(mine / its for mine, its in zip(ours, peer, strict=True))
        alone = self.against_threshold(ours, threshold)
        return replace(alone, against=against, peer=median(peer), ratio=ratio, met=threshold.is_met_by(ratio))

    def against_threshold(self, values: Sequence[float], threshold: Threshold) -> TargetResult:
        """Ours, held against a number."""
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
        )


def percentile(values: Sequence[float], percent: int) -> float:
    """What so many of a hundred do not exceed; without any value nothing was answered: for ever."""
    return sorted(values)[ceil(len(values) * percent / 100) - 1] if values else inf


def format_number(value: float) -> str:
    """As people read it: three digits of what is small."""
    if value == inf:
        return "never"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 - three digits
