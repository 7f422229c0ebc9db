"""Pages of tasks: of one project, or of all workspaces of the caller."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from api.http.conditional_response import ZONE_HEADER
from api.http.dependencies import dependencies_of
from api.http.response import Response
from api.http.task_parameters import TaskSearch
from api.ledger import AuthedRequest, Ledger
from api.named_users import find_named_users
from domain import filter as filters
from domain.custom_field import CustomField
from domain.event import RecordedEvent
from domain.project import Project
from domain.user import UserZoneSet
from domain.workspace import WorkspaceZoneSet
from infra import clock
from projections import task_list, task_page
from projections.custom_field_sql import NO_FIELDS, FieldsByName, fields_by_name
from projections.field_sql import FilterContext
from projections.filter_leaves import person_names, reads_calendar, reads_custom_fields
from projections.moment import Moment
from projections.project_list import custom_fields
from projections.task_page_sql import TaskScope, workspaces_scope
from projections.task_sorting import sort_field

_UTC: Final = ZoneInfo("UTC")
_ZONE_EVENTS: Final = (UserZoneSet, WorkspaceZoneSet)


async def list_across_workspaces(request: AuthedRequest, ledger: Ledger, search: TaskSearch) -> Response[Any]:
    """Answer with a page of the tasks of all workspaces that the caller is a member of."""
    workspaces = await ledger.workspaces_of_caller(request, search.min_position)
    return await read_task_page(request, ledger, workspaces_scope(workspaces, request.user.user_id), search)


async def read_task_page(request: AuthedRequest, ledger: Ledger, scope: TaskScope, search: TaskSearch) -> Response[Any]:
    """Answer with a page of the tasks in a scope."""
    moment = await ledger.moment(request, search.as_of, search.at_position)
    context = await filter_context(request, ledger, search.filter, scope, search.min_position, search.sort, moment)
    question = task_page.page(scope, search.options(), context).as_of(moment)
    response = await ledger.read(request, question, search.min_position, search.expanded())
    return name_zone(response, context, search.filter)


async def read_task(
    request: AuthedRequest,
    ledger: Ledger,
    task: UUID,
    min_position: int | None,
    expanded_members: tuple[str, ...],
    moment: Moment | None = None,
) -> Response[Any]:
    """Answer with one task, with the names of its custom fields if it has some."""
    question = task_list.by_id(task, request.user.user_id).as_of(moment)
    found = await ledger.fetch(request, question, min_position)
    if found.answer and found.answer.has_custom_fields and found.answer.project_id:
        question = task_list.by_id_in_project(task, found.answer.project_id, request.user.user_id).as_of(moment)
        found = await ledger.fetch(request, question, min_position)
    return await ledger.respond(request, question, found, expanded_members)


async def filter_context(
    request: AuthedRequest,
    ledger: Ledger,
    filter_: str,
    scope: TaskScope,
    min_position: int | None,
    sort: str | None = None,
    moment: Moment | None = None,
) -> FilterContext:
    """What the filter and the order refer to, now or at a moment of the past.

    The present time is in whole minutes: an answer that depends on it is cached for its minute.
    """
    now = moment.clock if moment and moment.clock else clock.now().replace(second=0, microsecond=0)
    terms = filters.parse(filter_)
    has_fields = reads_custom_fields(terms) or bool(sort_field(sort or ""))
    fields = await _load_fields(request, ledger, scope, min_position, moment) if has_fields else NO_FIELDS
    people = await find_named_users(request, ledger, person_names(terms, fields), min_position)
    zone = await load_zone(request, ledger, scope) if reads_calendar(terms) else None
    return FilterContext(request.user.user_id, now, zone or _UTC, people, fields)


async def _load_fields(
    request: AuthedRequest, ledger: Ledger, scope: TaskScope, min_position: int | None, moment: Moment | None
) -> FieldsByName:
    """The custom fields of the projects that are listed."""
    question = custom_fields(scope.ids, scope.audience).as_of(moment)
    found = (await ledger.fetch(request, question, min_position)).answer
    return fields_by_name(msgspec.json.decode(found.body, type=list[CustomField])) if found else NO_FIELDS


async def load_zone(request: AuthedRequest, ledger: Ledger, scope: TaskScope) -> ZoneInfo | None:
    """The time zone of the caller, else the one that the workspaces of the list share, if any is set.

    The response to it is not cached, as the zone may be set again.
    """
    dependencies_of(request).uncacheable()
    user, workspaces = request.user.user_id, scope.ids
    if scope.is_project:
        project = await ledger.log.load_state(Project, scope.ids[0])
        workspaces = (project.workspace_id,) if project else ()
    histories = await ledger.log.load_events_of_types([user, *workspaces], _ZONE_EVENTS)
    own, *shared = (_last_zone(histories[stream]) for stream in (user, *workspaces))
    name = own or (shared[0] if len(set(shared)) == 1 else None)
    return ZoneInfo(name) if name else None


def _last_zone(history: Sequence[RecordedEvent]) -> str | None:
    return next(
        (event.zone.new for event in (one.event for one in reversed(history)) if isinstance(event, _ZONE_EVENTS)), None
    )


def name_zone(response: Response[Any], context: FilterContext, filter_: str) -> Response[Any]:
    """Name the time zone in which the days of the filter were understood."""
    if reads_calendar(filters.parse(filter_)):
        response.headers[ZONE_HEADER] = str(context.zone)
    return response
