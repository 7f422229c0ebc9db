"""A task at a version of its past, and the events that last set its fields, straight from the log."""

import asyncio
import re
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import replace

from api.http import history_items
from api.http.conditional_response import conditional_response
from api.http.custom_field_names import load_names_in
from api.http.history_items import ActorInfo
from api.http.malformed_request import MalformedRequest
from api.http.memento import dated
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from commands.command import require_found
from domain import codec
from domain.errors import Purged
from domain.field_names import FieldNames
from domain.task import Task
from infra.log import MAX_VERSION
from infra.log.history import find_position, iter_document
from infra.reading.progress import ProjectionBehind
from projections.pagination import Page, encode_answer, encode_versioned_answer
from projections.task_versions import CUSTOM_FIELD_PREFIX, Blame, TaskPast

Version = Annotated[str, Meta(description="A version of the task, from 1.", examples=["3"])]
_VERSION: Final = re.compile("[0-9]{1,15}")


class BlameItem(Struct, frozen=True):
    """A field of a task, its value, and the event that last changed it: one of the task, or of another stream."""

    field: str
    value: Any
    position: int
    version: int
    type: str
    at: datetime
    actor: ActorInfo
    command_id: UUID
    stream: UUID


async def read_version(
    request: AuthedRequest, ledger: Ledger, task: UUID, version: str, min_position: int | None
) -> Response[Any]:
    """The task as it was at a version, with the present names of custom fields.

    Raises MalformedRequest, NotFound for a version that it never had, and what `_require_task` raises.
    """
    if not _VERSION.fullmatch(version):
        raise MalformedRequest("invalid_version", "A version is a whole number.")
    await _require_task(request, ledger, task, min_position)
    position = require_found(await find_position(ledger.log, task, int(version)))
    past = await _load_past(ledger, task, position)
    shown, row = require_found(past.shown_to(request.user.user_id)), require_found(past.row)
    names = await load_names_in(ledger.log, [shown.project_id] if shown.fields else [])
    answer = encode_versioned_answer(replace(shown, fields=names.of_values(shown.fields)), shown.version)
    return dated(conditional_response(request, answer, position), row.updated_at)


async def read_blame(
    request: AuthedRequest, ledger: Ledger, task: UUID, min_position: int | None
) -> Response[Page[BlameItem]]:
    """Each field of a task with the event that last changed it; raises what `_require_task` raises."""
    position = await _require_task(request, ledger, task, min_position)
    past = await _load_past(ledger, task)
    blamed = past.blame()
    names = await history_items.load_names(ledger.log, {one.recorded.actor for one in blamed.values()})
    has_custom = any(name.startswith(CUSTOM_FIELD_PREFIX) for name in blamed)
    field_names = await load_names_in(ledger.log, [past.row.project_id] if past.row and has_custom else [])
    items = [_blame_item(name, one, names, field_names) for name, one in blamed.items()]
    return conditional_response(request, encode_answer(Page(items)), position)


async def _require_task(request: AuthedRequest, ledger: Ledger, task: UUID, min_position: int | None) -> int:
    """The head of the log, if the caller may read the task; raises ProjectionBehind, NotFound, or Purged."""
    position = await ledger.log.head()  # first: the answer includes at least everything up to it
    if position < (min_position or 0):
        raise ProjectionBehind
    about = require_found(await ledger.log.load_state(Task, task))
    await ledger.permissions.require_access(request.user.user_id, about.workspace_id, about.project_id)
    if about.purged:
        raise Purged
    return position


async def _load_past(ledger: Ledger, task: UUID, last: int = MAX_VERSION) -> TaskPast:
    """The task folded up to a position; long histories are folded in a thread, a part at a time."""
    past = TaskPast(task)
    async for events in iter_document(ledger.log, task, last):
        await asyncio.to_thread(past.apply, events)
    return past


def _blame_item(name: str, blame: Blame, actor_names: dict[UUID, str], field_names: FieldNames) -> BlameItem:
    recorded, is_custom = blame.recorded, name.startswith(CUSTOM_FIELD_PREFIX)
    return BlameItem(
        field_names.of_member(name) if is_custom else name,
        field_names.of_value(blame.value) if is_custom else blame.value,
        recorded.position,
        recorded.version,
        codec.stored_name_of(recorded.event),
        recorded.at,
        history_items.actor_info(recorded.actor, actor_names),
        recorded.command_id,
        recorded.stream,
    )
