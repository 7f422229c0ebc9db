"""Query parameters: shared types and bounds, and the refusal of unknown or repeated names."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias, get_args

import msgspec
from litestar import Request
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter
from msgspec import Meta

from api.http.command_mode import MODE_PARAMETERS, command_mode
from api.http.command_results import BatchResult, WriteResult
from api.http.problems import MalformedRequest

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

_DIGITS = re.compile("[0-9]+")


def parse_time(name: str, text: str | None) -> datetime | None:
    """The time in a parameter, in UTC; raises MalformedRequest if it is invalid or has no offset."""
    try:
        return msgspec.convert(text, Annotated[datetime, Meta(tz=True)]).astimezone(UTC) if text is not None else None
    except (msgspec.ValidationError, OverflowError) as error:
        detail = f"Send {name} as a time with an offset, such as 2026-12-01T10:00:00Z; write a + in it as %2B."
        raise MalformedRequest("invalid_parameter", detail, pointer=f"?{name}") from error


async def reject_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """Raise MalformedRequest for an unknown or repeated query parameter."""
    given = list(request.query_params.multi_items()) if request.scope["query_string"] else []
    names = [name for name, _ in given]
    known = _known_parameters(request) if names else {}
    for name, text in given:
        if name not in known:
            raise MalformedRequest(
                "unknown_parameter", f"This endpoint has no query parameter {name!r}.", pointer=f"?{name}"
            )
        if names.count(name) > 1:
            raise MalformedRequest(
                "repeated_parameter", f"The query parameter {name!r} is repeated.", pointer=f"?{name}"
            )
        _reject_other_spellings(name, text, get_args(known[name]) or (known[name],))
    if names and is_command_endpoint(request.route_handler):
        command_mode(request)


def _reject_other_spellings(name: str, text: str, value_types: tuple[Any, ...]) -> None:
    """Raise MalformedRequest for what msgspec would read, but no client should write, such as 1e1 or TRUE."""
    if text.lower() == "null" and str not in value_types:
        raise MalformedRequest("invalid_parameter", f"{name} cannot be null: leave it out.", pointer=f"?{name}")
    if int in value_types and not _DIGITS.fullmatch(text):
        raise MalformedRequest("invalid_parameter", f"{name} is a number, in decimal digits alone.", pointer=f"?{name}")
    if bool in value_types and text not in {"true", "false"}:
        raise MalformedRequest("invalid_parameter", f"{name} is true or false.", pointer=f"?{name}")


def is_command_endpoint(handler: BaseRouteHandler) -> bool:
    """Whether the endpoint executes commands of an authenticated caller, judged by its response type.

    Such an endpoint stores nothing before the command; a dry run ends there, so nothing after it runs.
    """
    answers = {field.annotation for field in handler.parsed_fn_signature.return_type.inner_types}
    return not handler.opt.get("public") and not answers.isdisjoint({WriteResult, BatchResult})


def _known_parameters(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The types of the endpoint's query parameters, by name."""
    fields = request.route_handler.parsed_fn_signature.parameters.items()
    own = {
        field.kwarg_definition.name or name: field.annotation
        for name, field in fields
        if isinstance(field.kwarg_definition, QueryParameter)
    }
    return own | dict.fromkeys(MODE_PARAMETERS, str | None) if is_command_endpoint(request.route_handler) else own
