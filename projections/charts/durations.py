"""Durations of a chart: percentiles of many, in seconds."""

from collections.abc import Sequence
from typing import Final, Self

from msgspec import Struct

_PERCENTILES: Final = "array[0.5, 0.85, 0.95]"


class Durations(Struct, frozen=True):
    """The durations, in seconds, that half, 85 and 95 of 100 do not exceed."""

    p50: int
    p85: int
    p95: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Self:
        return cls(*map(round, seconds))


def percentiles_sql(duration: str) -> str:
    """The aggregate of durations that `Durations.of` takes."""
    return f"percentile_disc({_PERCENTILES}) within group (order by extract(epoch from {duration})::float8)"
