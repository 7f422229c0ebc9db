"""A moment of the past that a question is asked about: a position of the log, or a time."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from psycopg.sql import SQL, Composable, Composed

PAST_SCOPE: Final = UUID(int=1)
"""The scope of all that was: only a purge changes it, and an import of what happened earlier."""

_NO_END: Final = 2**63 - 1
_NO_END_AT: Final = datetime.max.replace(tzinfo=UTC)
"""The end of what is valid now; a driver cannot read an infinite time."""
_VALID_SQL: Final = "valid_from <= %(moment_position)s and valid_to > %(moment_position)s"
_VALID_AT_SQL: Final = (
    "valid_from_at <= %(moment_at)s and valid_to_at > %(moment_at)s and valid_to > %(moment_position)s"
)


class Moment(Struct, frozen=True):
    """The state after the event at `position`, or after all events that happened up to `at`, if that is given.

    The position of a time is the last one that was recorded up to it. Whatever was valid at the time has been replaced
    by an event that happened later, and so was recorded later; that is what the indexes find it by.

    Answers need a read model that has reached `required_position`. `clock` is what the clock showed then, None before
    the first event.
    """

    position: int
    at: datetime | None = None
    required_position: int = 0
    clock: datetime | None = None

    def parameters(self) -> dict[str, object]:
        """The parameters of `table_sql`."""
        return {"moment_position": self.position, "moment_at": self.at}

    def table_sql(self, table: Composable, past_table: Composable) -> Composed:
        """The documents as they were, from a table of present and one of past documents; for `from`.

        The condition stands outside the union: only then does PostgreSQL merge both tables in the order of an index.
        """
        valid = _VALID_SQL if self.at is None else _VALID_AT_SQL
        return SQL(f"(select * from {{}} as version where {valid})").format(versions_sql(table, past_table))  # noqa: S608 - our own text


def versions_sql(table: Composable, past_table: Composable) -> Composed:
    """All versions of documents, from a table of present and one of past documents; for `from`."""
    return SQL(
        f"""(select *, {_NO_END} as valid_to, '{_NO_END_AT}'::timestamptz as valid_to_at from {{}}
            union all select * from {{}})"""  # noqa: S608 - as above
    ).format(table, past_table)
