"""Query parameters: the types and bounds that endpoints share."""

import contextlib
from datetime import UTC, datetime
from typing import Annotated, TypeAlias
from uuid import UUID

from litestar.params import QueryParameter
from msgspec import Meta

from domain.errors import CursorMismatch
from domain.timestamp import parse_timestamp
from projections.pagination import PageCursor

LIMIT_DESCRIPTION = (
    "The maximum number of items. A page may have fewer, as its items share about 1 MiB: "
    "it is the last only if it has no `next_cursor`."
)
CURSOR_DESCRIPTION = "The `next_cursor` of the previous page."
MIN_POSITION_DESCRIPTION = "Wait until the answer includes this position of the log."
LimitParam: TypeAlias = Annotated[int, QueryParameter(ge=1, le=200, description=LIMIT_DESCRIPTION)]


def require_cursor(text: str) -> None:
    """Raise BadCursor for a text that is the cursor of no list."""
    with contextlib.suppress(CursorMismatch):  # of which list is not known here
        PageCursor.parse(text, _NO_LIST, object)


_NO_LIST = UUID(int=0)
CursorParam: TypeAlias = Annotated[
    str | None,
    QueryParameter(max_length=1_000, description=CURSOR_DESCRIPTION),
    Meta(extra={"refusal": require_cursor}),
]
MinPositionParam: TypeAlias = Annotated[
    int | None,
    QueryParameter(ge=0, le=2**63 - 1, description=MIN_POSITION_DESCRIPTION),
]


def _require_time(text: str) -> None:
    try:
        parse_timestamp(text)
    except ValueError as error:
        raise ValueError(f"{error}; write a + in it as %2B") from error


TimeParam: TypeAlias = Annotated[
    str | None,
    QueryParameter(description="A time with an offset (RFC 3339); write a `+` as `%2B`."),
    Meta(extra={"check": _require_time}),
]


def parse_time(text: str | None) -> datetime | None:
    """The time in a parameter, in UTC."""
    return None if text is None else parse_timestamp(text).astimezone(UTC)
