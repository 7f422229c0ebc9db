"""A span of the past: what happened after one moment and up to a later one."""

from datetime import datetime
from typing import Final

from msgspec import Struct
from psycopg.sql import SQL, Composable, Composed

from projections.moment import Moment, versions_sql

_HAS_BEGUN: Final = "valid_from <= %({0}_position)s"
_LASTS: Final = "valid_to > %({0}_position)s"
_HAS_BEGUN_AT: Final = "valid_from_at <= %({0}_at)s"
_LASTS_AT: Final = "(valid_to_at > %({0}_at)s and valid_to > %({0}_position)s)"
"""Whether a version has begun, and has not ended, at a moment: by position, and by time."""


class Span(Struct, frozen=True):
    """The span after the moment `start` up to the moment `end`, both of positions or both of times.

    A question about it reads all versions that documents had in it.
    """

    start: Moment
    end: Moment

    @property
    def required_position(self) -> int:
        """The position that a read model has to have reached."""
        return max(self.start.required_position, self.end.required_position)

    @property
    def clock(self) -> datetime | None:
        """What the clock showed at its end."""
        return self.end.clock

    def parameters(self) -> dict[str, object]:
        """The parameters of `table_sql`."""
        return {
            "start_position": self.start.position,
            "start_at": self.start.at,
            "end_position": self.end.position,
            "end_at": self.end.at,
        }

    def table_sql(self, table: Composable, past_table: Composable) -> Composed:
        """The versions that documents had, from the one at the start to the one at the end; for `from`.

        One `was_valid` at the start, one `is_valid` at the end; each but the first `is_new`.
        """
        has_begun, lasts = (_HAS_BEGUN, _LASTS) if self.end.at is None else (_HAS_BEGUN_AT, _LASTS_AT)
        had_begun = has_begun.format("start")
        return SQL(
            f"""(select *, {had_begun} as was_valid, {lasts.format("end")} as is_valid, not {had_begun} as is_new
              from {{}} as version where {has_begun.format("end")} and {lasts.format("start")})"""  # noqa: S608 - our own text
        ).format(versions_sql(table, past_table))
