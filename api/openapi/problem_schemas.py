"""Problem schemas: the bodies of error responses, with their headers and examples."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from api.http.history_items import ActorInfo
from api.http.problem_document import PROBLEM_MEDIA_TYPE
from api.openapi import examples
from api.openapi.error_cases import ErrorCase
from api.openapi.response_headers import header_refs, optional_header
from api.openapi.schemas import SCHEMA_REF_PREFIX, Schema
from domain import errors

CONFLICT_CODE: Final = errors.VersionConflict.code()
HEADERS_BY_STATUS: Final = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
"""The headers of every response with a status."""


class FieldError(Struct, frozen=True):
    """An invalid part of the request."""

    pointer: Annotated[str, Meta(examples=["#/title"])]
    code: Annotated[str, Meta(examples=["too_short"])]
    detail: Annotated[str, Meta(examples=['"title" cannot be empty.'])] | UnsetType = UNSET


class Problem(Struct, frozen=True):
    """An error, for people and for programs (RFC 9457); `code` is stable, and `type` links to its description."""

    type: Annotated[str, Meta(examples=["/problems/not_found"])]
    title: str
    status: int
    instance: Annotated[str, Meta(examples=[f"/api/v1/tasks/{examples.example_id('task')}"])]
    code: str
    trace_id: str
    detail: str | UnsetType = UNSET
    params: dict[str, Any] | UnsetType = UNSET
    errors: list[FieldError] | UnsetType = UNSET


class InterveningEventSchema(Struct, frozen=True):
    """An event after the version you last read."""

    version: int
    type: str
    actor: ActorInfo
    at: datetime
    fields: Annotated[list[str], Meta(examples=[["title"]])]


class Conflict(Problem, frozen=True):
    """A problem; for a version conflict, with the intervening events."""

    expected_version: Annotated[int, Meta(examples=[2])] | UnsetType = UNSET
    current_version: Annotated[int, Meta(examples=[3])] | UnsetType = UNSET
    conflicting_fields: Annotated[list[str], Meta(examples=[["title"]])] | UnsetType = UNSET
    rebase_possible: bool | UnsetType = UNSET
    intervening_events: Annotated[list[InterveningEventSchema], Meta(max_length=50)] | UnsetType = UNSET
    current: dict[str, Any] | UnsetType | None = UNSET


def response_object(cases: Iterable[ErrorCase], general_headers: Sequence[str]) -> Schema:
    """The response object for these problems, which share one status; `general_headers` has any response."""
    cases = list(cases)
    body_type = Conflict if any(one.code == CONFLICT_CODE for one in cases) else Problem
    schema = {
        "$ref": SCHEMA_REF_PREFIX + body_type.__name__,
        "properties": {"code": {"enum": [one.code for one in cases]}},
    }
    example_refs = {one.code: {"$ref": f"#/components/examples/{example_name(one)}"} for one in cases}
    return {
        "description": " ".join(f"{one.title.rstrip('.')} (`{one.code}`)." for one in cases),
        "headers": _response_headers(cases, general_headers),
        "content": {PROBLEM_MEDIA_TYPE: {"schema": schema, "examples": example_refs}},
    }


def example_object(error_case: ErrorCase) -> Schema:
    """An example of a problem document."""
    body_type = Conflict if error_case.code == CONFLICT_CODE else Problem
    value = examples.example_body(Problem) | {
        "type": f"/problems/{error_case.code}",
        "title": error_case.title,
        "status": error_case.status,
    }
    if body_type is Conflict:
        value |= {field: examples.example_of(hint, field) for field, hint in Conflict.__annotations__.items()}
    return {"summary": error_case.title, "value": value | {"code": error_case.code}}


def example_name(error_case: ErrorCase) -> str:
    return f"{error_case.status}.{error_case.code}"


def _response_headers(cases: list[ErrorCase], general_headers: Sequence[str]) -> dict[str, Schema]:
    status = cases[0].status
    names = (*HEADERS_BY_STATUS.get(status, ()), *general_headers)
    may_be_in_flight = any(one.code == errors.TwinInFlight.code() for one in cases)
    return (optional_header("Retry-After") if may_be_in_flight else {}) | header_refs(names)
