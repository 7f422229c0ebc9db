"""A snapshot: an answer, with the state of the read models that it is true of."""

from collections.abc import Sequence
from typing import Self

from msgspec import Struct
from psycopg.rows import TupleRow

from infra.reading.progress import Behind
from projections.pagination import is_intact
from projections.projection import Answer, Question


class State(Struct, frozen=True):
    """Which builds answer a question now, the position that they have read up to, the generation of its scopes."""

    builds: dict[str, int]
    position: int
    generation: int

    @classmethod
    def of(cls, question: Question, rows: Sequence[TupleRow]) -> Self:
        """Of what each projection says. Raises Behind where one has not been built for this code yet."""
        if len(rows) < len(question.projections):
            raise Behind
        names, numbers, positions, generations = zip(*rows, strict=True)
        return cls(dict(zip(names, numbers, strict=True)), min(positions), sum(generations))

    def is_still(self, other: Self) -> bool:
        """Whether nothing has changed between the two, whatever else was read meanwhile."""
        return (self.builds, self.generation) == (other.builds, other.generation)


class Snapshot(Struct, frozen=True):
    """An answer (None where there is no such thing), what it is true of, and when it last was: seconds since 1970."""

    answer: Answer | None
    state: State
    at: float

    def is_whole(self) -> bool:
        """Whether what is kept elsewhere is as it was written."""
        return self.answer is None or is_intact(self.answer)
