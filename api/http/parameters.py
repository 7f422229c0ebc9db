"""Query parameters: the types and bounds that endpoints share."""

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from litestar.params import QueryParameter

from api.http.malformed_request import MalformedRequest
from commands.validation import FieldError, describe
from domain.timestamp import parse_timestamp

LIMIT_DESCRIPTION = (
    "The maximum number of items. A page may have fewer, as its items share about 1 MiB: "
    "it is the last only if it has no `next_cursor`."
)
LimitParam: TypeAlias = Annotated[int, QueryParameter(ge=1, le=200, description=LIMIT_DESCRIPTION)]
CursorParam: TypeAlias = Annotated[
    str | None, QueryParameter(max_length=1_000, description="The `next_cursor` of the previous page.")
]
MinPositionParam: TypeAlias = Annotated[
    int | None,
    QueryParameter(ge=0, le=2**63 - 1, description="Wait until the answer includes this position of the log."),
]
TimeParam: TypeAlias = Annotated[
    str | None, QueryParameter(description="A time with an offset (RFC 3339); write a `+` as `%2B`.")
]


def parse_time(name: str, text: str | None) -> datetime | None:
    """The time in a parameter, in UTC; raises MalformedRequest if it is invalid or has no offset."""
    try:
        return None if text is None else parse_timestamp(text).astimezone(UTC)
    except ValueError as error:
        words = f"{error}; write a + in it as %2B"
        errors = [FieldError(f"?{name}", "invalid_value", words)]
        raise MalformedRequest("invalid_parameter", describe(errors), errors=errors) from error
