"""The body of a bulk change: a command, and the tasks that it is carried out on."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from api.http.addressing import ID_OR_TASK_KEY_SCHEMA, is_project_key
from api.http.body import convert_part
from api.http.problems import MalformedRequest
from api.http.task_parameters import Filter
from api.ledger import AuthedRequest, Ledger
from api.task_names import with_task_ids
from commands import command
from commands.command import Command
from commands.validation import FieldError, describe
from domain.errors import NotForManyTasks, Refusal
from domain.task import Task

MAX_NAMED_TASKS: Final = 1_000
_COMMAND_TYPES: Final = {
    name: kind
    for name, kind in sorted(command.all_commands().items())
    if kind.state_type is Task and kind.is_batchable and not kind.creates and not kind.may_create
}
_TYPE_SCHEMA: Final = {"enum": [*_COMMAND_TYPES]}
_DATA_SCHEMA: Final = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in _COMMAND_TYPES]}
TaskName = Annotated[str, Meta(extra_json_schema=ID_OR_TASK_KEY_SCHEMA)]


class BulkRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A command, its body, and the tasks that it is carried out on: those that match a filter, or those named."""

    type: Annotated[
        str, Meta(description="The name of a command.", examples=["LabelTask"], extra_json_schema=_TYPE_SCHEMA)
    ]
    data: Annotated[
        dict[str, Any],
        Meta(
            description="The body of that command, without a version.",
            examples=[{"label": "urgent"}],
            extra_json_schema=_DATA_SCHEMA,
        ),
    ] = {}
    filter: Annotated[Filter, Meta(min_length=1)] | None = None
    ids: Annotated[list[TaskName], Meta(min_length=1, max_length=MAX_NAMED_TASKS)] | None = None


async def decode_command(ledger: Ledger, request: AuthedRequest, data: BulkRequest) -> Command[Any]:
    """The command, with ids for keys in its body; raises MalformedRequest, NotForManyTasks, NotFound, AmbiguousKey."""
    kind = _COMMAND_TYPES.get(data.type)
    if kind is None:
        refusal = NotForManyTasks(f"One of {', '.join(_COMMAND_TYPES)}.", allowed=[*_COMMAND_TYPES])
        refusal.pointer = "#/type"
        raise refusal
    ledger.require_scope(request, data.type)
    if errors := _errors_beside_data(data):
        raise MalformedRequest("invalid_body", describe(errors), errors=errors)
    project = data.data.get("project_id")
    body = dict(data.data)
    if isinstance(project, str) and is_project_key(project):
        try:
            body["project_id"] = str(await ledger.resolve_project_id(request, project))
        except Refusal as refusal:
            refusal.pointer = "#/data/project_id"
            raise
    return await with_task_ids(ledger, request, convert_part(body, kind, "#/data"), "#/data")


def _errors_beside_data(data: BulkRequest) -> list[FieldError]:
    errors = []
    if data.filter is None and data.ids is None:
        errors.append(FieldError("#", "missing", "needs a filter or ids"))
    if data.filter is not None and data.ids is not None:
        errors.append(FieldError("#/ids", "not_allowed", "is not allowed beside a filter"))
    if data.data.get("expected_version") is not None:
        words = "is not allowed: tasks have different versions"
        errors.append(FieldError("#/data/expected_version", "not_allowed", words))
    return errors
