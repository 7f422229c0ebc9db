"""Parameters of queries: their names, types and bounds; a name that an endpoint does not know is refused."""

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

LimitParam: TypeAlias = Annotated[int, QueryParameter(ge=1, le=200, description="How many items, at most.")]
CursorParam: TypeAlias = Annotated[
    str | None, QueryParameter(max_length=1_000, description="`next_cursor` of the page before.")
]
MinPositionParam: TypeAlias = Annotated[
    int | None,
    QueryParameter(ge=0, le=2**63 - 1, description="Wait until the answer includes this position of the log."),
]
TimeParam: TypeAlias = Annotated[
    str | None, QueryParameter(description="A time with an offset (RFC 3339); a `+` is written `%2B`.")
]


def parse_time(name: str, text: str | None) -> datetime | None:
    """The time that a parameter names, in UTC; raises Malformed where it is none, or has no offset."""
    try:
        return msgspec.convert(text, Annotated[datetime, Meta(tz=True)]).astimezone(UTC) if text is not None else None
    except (msgspec.ValidationError, OverflowError) as error:
        detail = f"{name} is a time with an offset, such as 2026-12-01T10:00:00Z; a + in it is written %2B."
        raise MalformedRequest("invalid_parameter", detail, pointer=f"?{name}") from error


async def reject_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """Raise Malformed for a query parameter that the endpoint does not know, or that is given twice."""
    given = list(request.query_params.multi_items()) if request.scope["query_string"] else []
    names = [name for name, _ in given]
    known = _known_parameters(request) if names else {}
    for name, text in given:
        if name not in known:
            raise MalformedRequest(
                "unknown_parameter", f"There is no query parameter {name!r} here.", pointer=f"?{name}"
            )
        if names.count(name) > 1:
            raise MalformedRequest(
                "repeated_parameter", f"The query parameter {name!r} is given twice.", pointer=f"?{name}"
            )
        if text.lower() == "null" and str not in get_args(known[name]):  # msgspec would take it for nothing
            raise MalformedRequest("invalid_parameter", f"{name} is not null: leave it out.", pointer=f"?{name}")
    if names and is_command_endpoint(request.route_handler):
        command_mode(request)


def is_command_endpoint(handler: BaseRouteHandler) -> bool:
    """Whether the endpoint carries out commands of somebody known: its answer says what they did.

    Nothing is stored before the command: what comes after it does not happen in a dry run.
    """
    answers = {field.annotation for field in handler.parsed_fn_signature.return_type.inner_types}
    return not handler.opt.get("public") and not answers.isdisjoint({WriteResult, BatchResult})


def _known_parameters(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The types of the parameters that the endpoint knows, by name."""
    fields = request.route_handler.parsed_fn_signature.parameters.items()
    own = {name: field.annotation for name, field in fields if isinstance(field.kwarg_definition, QueryParameter)}
    return own | dict.fromkeys(MODE_PARAMETERS, str | None) if is_command_endpoint(request.route_handler) else own
