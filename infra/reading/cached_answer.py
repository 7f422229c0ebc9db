"""A cached answer, with the state of the read models that it reflects."""

from collections.abc import Sequence
from typing import Self

from msgspec import Struct
from psycopg.rows import TupleRow

from infra.reading.progress import ProjectionBehind
from projections.pagination import is_intact
from projections.question import Answer, Question


class BuildState(Struct, frozen=True):
    """The builds that serve a question, the position that they have reached, and the generation of its scopes."""

    builds: dict[str, int]
    position: int
    generation: int

    @classmethod
    def from_rows(cls, question: Question, rows: Sequence[TupleRow]) -> Self:
        """From a row for each projection. Raises ProjectionBehind if one has not been built for this code yet."""
        if len(rows) < len(question.projections):
            raise ProjectionBehind
        names, build_numbers, positions, generations = zip(*rows, strict=True)
        return cls(dict(zip(names, build_numbers, strict=True)), min(positions), sum(generations))

    def is_unchanged_since(self, other: Self) -> bool:
        """Whether nothing changed between the two states, whatever else was folded meanwhile."""
        return (self.builds, self.generation) == (other.builds, other.generation)


class CachedAnswer(Struct, frozen=True):
    """An answer (None if nothing exists), the state it reflects, and when that was current: seconds since 1970."""

    answer: Answer | None
    state: BuildState
    at: float

    def is_intact(self) -> bool:
        """Whether the answer came back from Redis as it was written."""
        return self.answer is None or is_intact(self.answer)
