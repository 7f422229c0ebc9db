"""Problems: what the body of every answer is that says no, and which ones an operation can say."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Annotated, Any, Final

import psycopg
from litestar.exceptions import HTTPException
from litestar.params import QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from api.http import preconditions
from api.http.history import ActorInfo
from api.http.problems import PROBLEM_MEDIA_TYPE
from api.openapi import error_cases, examples, operation_commands
from api.openapi.error_cases import No
from api.openapi.headers import now_and_then, refs
from api.openapi.operation import Operation
from api.openapi.schemas import REF, Schema
from commands import permissions
from domain import errors
from infra.reading.progress import ProjectionBehind

CONFLICT: Final = errors.VersionConflict.code()
SERVER: Final = 500
ALWAYS: Final = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    503: ("Retry-After",),
}
"""The headers that every answer with a status has."""


class Fault(Struct, frozen=True):
    """A part of the request that is wrong."""

    pointer: Annotated[str, Meta(examples=["#/title"])]
    code: Annotated[str, Meta(examples=["invalid_body"])]


class Problem(Struct, frozen=True):
    """What went wrong, for people and for programs (RFC 9457); `code` is stable, and `type` can be read."""

    type: Annotated[str, Meta(examples=["/problems/not_found"])]
    title: str
    status: int
    instance: Annotated[str, Meta(examples=[f"/api/v1/tasks/{examples.id_of('task')}"])]
    code: str
    trace_id: str
    detail: str | UnsetType = UNSET
    params: dict[str, Any] | UnsetType = UNSET
    errors: list[Fault] | UnsetType = UNSET


class Since(Struct, frozen=True):
    """An event after the version that the wish was made on."""

    version: int
    type: str
    actor: ActorInfo
    at: datetime
    fields: Annotated[list[str], Meta(examples=[["title"]])]


class Conflict(Problem, frozen=True):
    """A problem; where it is a lost race, with what happened in between."""

    expected_version: Annotated[int, Meta(examples=[2])] | UnsetType = UNSET
    current_version: Annotated[int, Meta(examples=[3])] | UnsetType = UNSET
    conflicting_fields: Annotated[list[str], Meta(examples=[["title"]])] | UnsetType = UNSET
    rebase_possible: bool | UnsetType = UNSET
    intervening_events: Annotated[list[Since], Meta(max_length=50)] | UnsetType = UNSET
    current: dict[str, Any] | UnsetType | None = UNSET


def of(one: Operation) -> dict[str, list[No]]:
    """By status, the problems that an operation can answer with."""
    all_ = {*error_cases.among(one.found), *_by_rules(one), *_usual(one)} - _impossible(one)
    known = {each.status for each in all_}
    all_ |= {error_cases.of_status(status) for status in one.handler.opt.get("refuses", ()) if status not in known}
    one_each = {(each.status, each.code): each for each in sorted(all_)}
    return {str(status): list(each) for status, each in groupby(one_each.values(), key=lambda each: each.status)}


def answer(nos: Iterable[No]) -> Schema:
    """The answer with one of these problems, all of one status."""
    nos = list(nos)
    kind = Conflict if any(one.code == CONFLICT for one in nos) else Problem
    schema = {"$ref": REF + kind.__name__, "properties": {"code": {"enum": [one.code for one in nos]}}}
    shown = {one.code: {"$ref": f"#/components/examples/{example_name(one)}"} for one in nos}
    return {
        "description": " ".join(f"{one.title.rstrip('.')} (`{one.code}`)." for one in nos),
        "headers": _headers(nos),
        "content": {PROBLEM_MEDIA_TYPE: {"schema": schema, "examples": shown}},
    }


def example(one: No) -> Schema:
    """A problem as it is answered."""
    kind = Conflict if one.code == CONFLICT else Problem
    value = examples.body(Problem) | {"type": f"/problems/{one.code}", "title": one.title, "status": one.status}
    if kind is Conflict:
        value |= {field: examples.of(hint, field) for field, hint in Conflict.__annotations__.items()}
    return {"summary": one.title, "value": value | {"code": one.code}}


def example_name(one: No) -> str:
    return f"{one.status}.{one.code}"


def _impossible(one: Operation) -> set[No]:
    """What is our own mistake, that a role is too small where the smallest is enough, a query where there is none."""
    is_for_all = not one.commands and one.needs and {needs.role for needs in one.needs} == {permissions.ROLES[0]}
    ours = {each for each in error_cases.every() if each.status == SERVER}
    asked = any(isinstance(field.kwarg_definition, QueryParameter) for field in one.parameters.values())
    no_query = {
        each for each in error_cases.every() if each.code == "invalid_parameter" and not asked and not one.can_be_tried
    }
    return ours | no_query | ({error_cases.of_refusal(errors.Forbidden)} if is_for_all else set())


def _usual(one: Operation) -> Iterator[No]:
    """What stands in the way before the handler is called, and the database that it may need."""
    if not one.is_public:
        yield error_cases.of_status(401)
    if one.body is not None:
        yield error_cases.of_status(400)  # a length that is no number
        yield error_cases.of_status(413)
    if any(isinstance(field.kwarg_definition, QueryParameter) for field in one.parameters.values()):
        yield from error_cases.of_error(HTTPException)
    if "ledger" in one.parameters:
        yield from error_cases.of_error(psycopg.OperationalError)


def _by_rules(one: Operation) -> Iterator[No]:
    refusals = operation_commands.refusals(one.commands, one.found)
    if errors.ColumnNotCounted in refusals:
        yield from error_cases.of_error(ProjectionBehind)  # counting waits for a read table
    for refusal in refusals:
        yield error_cases.of_refusal(refusal)
        if refusal is errors.VersionConflict and preconditions.with_expected_version in one.functions:
            yield No(412, refusal.code(), refusal.title())


def _headers(nos: list[No]) -> dict[str, Schema]:
    status = nos[0].status
    names = (*ALWAYS.get(status, ()), "Trace-Id")
    twins = any(one.code == errors.TwinInFlight.code() for one in nos)
    return (now_and_then("Retry-After") if twins else {}) | refs(names)
