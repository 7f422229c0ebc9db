"""Query parameters: their types and bounds, and the `query` types that several endpoints share."""

import contextlib
from datetime import UTC, datetime
from typing import Annotated, TypeAlias
from uuid import UUID

from msgspec import Meta, Struct

from domain.errors import CursorMismatch
from domain.timestamp import parse_timestamp
from projections.pagination import PageCursor


def require_cursor(text: str) -> None:
    """Raise BadCursor for a text that is the cursor of no list."""
    with contextlib.suppress(CursorMismatch):  # of which list is not known here
        PageCursor.parse(text, _NO_LIST, object)


def _require_time(text: str) -> None:
    try:
        parse_timestamp(text)
    except ValueError as error:
        raise ValueError(f"{error}; write a + in it as %2B") from error


_NO_LIST = UUID(int=0)
_LIMIT_DESCRIPTION = (
    "The maximum number of items. A page may have fewer, as its items share about 1 MiB: "
    "it is the last only if it has no `next_cursor`."
)
Limit: TypeAlias = Annotated[int, Meta(ge=1, le=200, description=_LIMIT_DESCRIPTION)]
Cursor: TypeAlias = Annotated[
    Annotated[str, Meta(max_length=1_000)] | None,
    Meta(description="The `next_cursor` of the previous page.", extra={"refusal": require_cursor}),
]
MinPosition: TypeAlias = Annotated[
    Annotated[int, Meta(ge=0, le=2**63 - 1)] | None,
    Meta(description="Wait until the answer includes this position of the log."),
]
Time: TypeAlias = Annotated[
    str | None,
    Meta(description="A time with an offset (RFC 3339); write a `+` as `%2B`.", extra={"check": _require_time}),
]


AsOf: TypeAlias = Annotated[
    str | None,
    Meta(
        description="Answer as of this time, from all that had happened by then: RFC 3339 with an offset, a `+` as "
        "`%2B`. Whatever was purged since is left out. Permissions are those of today.",
        examples=["2026-11-30T09:00:00Z"],
        extra={"check": _require_time},
    ),
]
AtPosition: TypeAlias = Annotated[
    Annotated[int, Meta(ge=0, le=2**63 - 1)] | None,
    Meta(description="Answer as of this position of the log, as `as_of` does for a time."),
]


class NoQuery(Struct, frozen=True):
    """No parameters."""


class ReadQuery(Struct, frozen=True, kw_only=True):
    """The parameter of every question."""

    min_position: MinPosition = None


class PastQuery(ReadQuery, frozen=True, kw_only=True):
    """The parameters of a question that can be asked about the past."""

    as_of: AsOf = None
    at_position: AtPosition = None

    def moment(self) -> dict[str, object]:
        """The parameters that name a moment of the past."""
        named = {"as_of": self.as_of, "at_position": self.at_position}
        return {name: value for name, value in named.items() if value is not None}


class PageQuery(Struct, frozen=True, kw_only=True):
    """The parameters of a list; those of a subclass come before them."""

    limit: Limit = 50
    cursor: Cursor = None
    min_position: MinPosition = None


class PastPageQuery(PageQuery, frozen=True, kw_only=True):
    """The parameters of a list that can be asked for as it was."""

    as_of: AsOf = None
    at_position: AtPosition = None


def parse_time(text: str | None) -> datetime | None:
    """The time in a parameter, in UTC."""
    return None if text is None else parse_timestamp(text).astimezone(UTC)
