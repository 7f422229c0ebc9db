"""A moment of the past that a question is asked about: a position of the log, or a time."""

from datetime import datetime
from typing import Final

from msgspec import Struct

_NOW_SQL: Final = "valid_from <= %(moment_position)s"
_PAST_SQL: Final = "valid_from <= %(moment_position)s and valid_to > %(moment_position)s"
_NOW_AT_SQL: Final = "valid_from_at <= %(moment_at)s"
_PAST_AT_SQL: Final = (
    "valid_from_at <= %(moment_at)s and valid_to_at > %(moment_at)s and valid_to > %(moment_position)s"
)


class Moment(Struct, frozen=True):
    """The state after the event at `position`, or after all events that happened up to `at`, if that is given.

    The position of a time is the last one that was recorded up to it. Whatever was valid at the time has been replaced
    by an event that happened later, and so was recorded later; that is what the indexes find it by.
    """

    position: int
    at: datetime | None = None

    def parameters(self) -> dict[str, object]:
        """The parameters of `table_sql`."""
        return {"moment_position": self.position, "moment_at": self.at}

    def table_sql(self, table: str, past_table: str) -> str:
        """A table of the documents as they were, from these names of tables."""
        now, past = (_NOW_SQL, _PAST_SQL) if self.at is None else (_NOW_AT_SQL, _PAST_AT_SQL)
        return f"""(select *, null::bigint as valid_to, null::timestamptz as valid_to_at from {table} where {now}
            union all select * from {past_table} where {past})"""  # noqa: S608 - our own text
