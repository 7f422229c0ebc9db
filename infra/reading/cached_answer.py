"""A snapshot: an answer, with the state of the read models that it is true of."""

from collections.abc import Sequence
from typing import Self

from msgspec import Struct
from psycopg.rows import TupleRow

from infra.reading.progress import ProjectionBehind
from projections.pagination import is_intact
from projections.projection import Answer, Question


class BuildState(Struct, frozen=True):
    """Which builds answer a question now, the position that they have read up to, the generation of its scopes."""

    builds: dict[str, int]
    position: int
    generation: int

    @classmethod
    def from_rows(cls, question: Question, rows: Sequence[TupleRow]) -> Self:
        """Of what each projection says. Raises Behind where one has not been built for this code yet."""
        if len(rows) < len(question.projections):
            raise ProjectionBehind
        names, build_numbers, positions, generations = zip(*rows, strict=True)
        return cls(dict(zip(names, build_numbers, strict=True)), min(positions), sum(generations))

    def is_unchanged_since(self, other: Self) -> bool:
        """Whether nothing has changed between the two, whatever else was read meanwhile."""
        return (self.builds, self.generation) == (other.builds, other.generation)


class CachedAnswer(Struct, frozen=True):
    """An answer (None where there is no such thing), what it is true of, and when it last was: seconds since 1970."""

    answer: Answer | None
    state: BuildState
    at: float

    def is_intact(self) -> bool:
        """Whether what is kept elsewhere is as it was written."""
        return self.answer is None or is_intact(self.answer)
