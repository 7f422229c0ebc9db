"""The result of a bulk change, with the problem of each task that was refused."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request
from msgspec import Meta, Struct

from api.http import problems
from api.http.addressing import ID_OR_TASK_KEY_SCHEMA
from api.http.problem_document import problem_response
from commands.handling.each import StoredRefusal
from domain import errors
from infra.bulk.bulk_change import MAX_STORED_REFUSALS, BulkProgress

_PROBLEM_SCHEMA: Final = {"$ref": "#/components/schemas/Problem"}
_PROBLEM_EXAMPLE: Final = {
    "type": "/problems/not_found",
    "title": errors.NotFound.title(),
    "status": 404,
    "instance": "/api/v1/tasks/bulk",
    "code": "not_found",
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
}


class RefusedChange(Struct, frozen=True):
    """A task that was not changed, as the request named it, and the problem that the command on it alone has."""

    id: Annotated[
        str,
        Meta(
            description="An id; or a key that names no task.",
            examples=["KIT-12"],
            extra_json_schema=ID_OR_TASK_KEY_SCHEMA,
        ),
    ]
    problem: Annotated[msgspec.Raw, Meta(examples=[_PROBLEM_EXAMPLE], extra_json_schema=_PROBLEM_SCHEMA)]


class BulkResult(Struct, frozen=True):
    """How many tasks were selected and changed, and which were refused; the others needed no change."""

    command_id: Annotated[
        UUID | None, Meta(description="The cause of all events, and the id of the operation; null in a dry run.")
    ]
    selected: Annotated[int, Meta(description="The number of tasks that match or are named.", examples=[12])]
    changed: Annotated[int, Meta(description="The number of tasks that were changed.", examples=[11])]
    refused: Annotated[list[RefusedChange], Meta(description=f"The first {MAX_STORED_REFUSALS:,}.")]
    refused_count: Annotated[int, Meta(description="The number of tasks that were refused.", examples=[1])]
    position: Annotated[int, Meta(description="A position of the log that includes all changes.")]


def bulk_result(
    request: Request[Any, Any, Any], command_id: UUID | None, selected: int, progress: BulkProgress
) -> BulkResult:
    """The result of a change that has ended."""
    refused = [RefusedChange(one.id, _problem_of(request, one.refusal)) for one in progress.refused]
    return BulkResult(command_id, selected, progress.changed, refused, progress.refused_count, progress.position)


def _problem_of(request: Request[Any, Any, Any], stored: StoredRefusal) -> msgspec.Raw:
    refusal = stored.to_refusal()
    if refusal is None:
        return msgspec.Raw(problem_response(request, 500, stored.code, problems.title_of(stored.code, 500)).content)
    if refusal.pointer:
        refusal.pointer = f"#/data{refusal.pointer[1:]}"
    return msgspec.Raw(problems.error_response(request, refusal).content)
