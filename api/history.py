"""Histories: pages of the events of a task, a project or a workspace, newest first."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from api.http import history_items
from api.http.conditional_response import conditional_response
from api.http.history_parameters import ActivityQuery
from api.http.parameters import PageQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from commands.command import require_found
from domain.custom_field import TaskFieldSet
from domain.errors import Purged
from domain.event import RecordedEvent
from domain.history import HistoryFilter
from domain.label import normalize_label
from domain.project import Project
from domain.task import Task
from infra.log import MAX_VERSION
from infra.log.history import find_positions, find_positions_of_command
from infra.reading.progress import ProjectionBehind
from projections import activity, project_list
from projections.activity import ActivityScope, FoundEvents
from projections.pagination import PageCursor, encode_page, list_id_for
from projections.question import Answer

_CUSTOM_FIELD_PREFIX = f"{TaskFieldSet.changes_part_of}."


async def read_history(
    request: AuthedRequest,
    ledger: Ledger,
    stream: UUID,
    query: PageQuery,
    filters: HistoryFilter = HistoryFilter(),  # noqa: B008 - frozen
    *,
    task: UUID | None = None,
) -> Response[Any]:
    """The history of a task, or of a stream that belongs to one, from the log itself.

    Raises NotFound, or Purged if the task is.
    It is never behind: ProjectionBehind is raised only for a position that the log has not reached.
    """
    list_id = list_id_for(stream, "history", filters.conditions())
    before = PageCursor.parse_number(query.cursor, list_id) or MAX_VERSION
    position = await ledger.log.head()  # first: the answer includes at least everything up to it
    if position < (query.min_position or 0):
        raise ProjectionBehind
    about = require_found(await ledger.log.load_state(Task, task or stream))
    await ledger.permissions.require_access(request.user.user_id, about.workspace_id, about.project_id)
    fields = await _stored_names(ledger, about.workspace_id, filters.field)
    positions = await find_positions(ledger.log, stream, filters, fields, query.limit + 1, before)
    events = await ledger.log.load_at(positions[: query.limit])
    await ledger.permissions.require_access(request.user.user_id, about.workspace_id, about.project_id)
    if about.purged:
        raise Purged
    return conditional_response(request, await _page(ledger, list_id, positions, events), position)


async def read_activity(
    request: AuthedRequest, ledger: Ledger, scope: ActivityScope, query: ActivityQuery
) -> Response[Any]:
    """The events of a workspace or a project, found by the read model, from the log; raises ProjectionBehind."""
    filters = query.filters(command=query.command)
    await ledger.permissions.require_access(request.user.user_id, scope.workspace_id, scope.project_id)
    found = await _found_events(ledger, scope, filters)
    question = activity.page(scope, filters, found, query.limit, query.cursor)
    result = await ledger.fetch(request, question, query.min_position)
    positions = msgspec.json.decode(result.answer.body, type=list[int]) if result.answer else []
    events = await ledger.log.load_at(positions[: query.limit])
    answer = await _page(ledger, scope.list_id(filters), positions, events)
    return conditional_response(request, answer, result.position, result.age_s)


async def project_scope(ledger: Ledger, project: UUID) -> ActivityScope:
    """A project in its workspace; raises NotFound."""
    return ActivityScope(require_found(await ledger.log.load_state(Project, project)).workspace_id, project)


async def _page(ledger: Ledger, list_id: UUID, positions: Sequence[int], events: Sequence[RecordedEvent]) -> Answer:
    items = await history_items.load_items(ledger.log, events)
    return encode_page(items, len(positions), lambda count: PageCursor(list_id, items[count - 1].position))


async def _found_events(ledger: Ledger, scope: ActivityScope, filters: HistoryFilter) -> FoundEvents:
    """What the filter refers to, from the log."""
    fields = await _stored_names(ledger, scope.workspace_id, filters.field)
    if filters.command is None:
        return FoundEvents(fields)
    return FoundEvents(fields, await find_positions_of_command(ledger.log, scope.workspace_id, filters.command))


async def _stored_names(ledger: Ledger, workspace: UUID, field: str | None) -> list[str]:
    """The names under which the log has a field of histories: a custom field has its id in the place of its name."""
    if field is None or not field.startswith(_CUSTOM_FIELD_PREFIX):
        return [field] if field else []
    wanted = normalize_label(field.removeprefix(_CUSTOM_FIELD_PREFIX))
    ids = await ledger.read_tables.fetch_rows(project_list.IDS_IN_WORKSPACE_SQL, (workspace,))
    loaded = await ledger.log.load_states([(project, Project) for (project,) in ids]) if ids else []
    projects = [state for stream in loaded for state in stream.states.values() if isinstance(state, Project)]
    named = [one for project in projects for one in (*project.former_fields, *project.fields)]
    return [f"{_CUSTOM_FIELD_PREFIX}{one.id}" for one in named if normalize_label(one.name) == wanted]
