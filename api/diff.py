"""Diffs: pages of what differs in a task, a project or a workspace between two moments."""

from typing import Any

from api.diff_documents import DiffReader
from api.diff_items import load_items
from api.diff_span import DiffCursor, find_span
from api.http.accept_language import preferred_language
from api.http.addressing import parse_id
from api.http.conditional_response import conditional_response
from api.http.dependencies import dependencies_of
from api.http.diff_page import DiffMoment
from api.http.diff_parameters import DiffQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from commands.command import require_found
from domain.errors import Purged
from domain.project import Project
from domain.task import Task
from projections.diff import DiffTarget, Scope
from projections.moment import Moment
from projections.pagination import PageCursor, encode_page


async def read_diff(request: AuthedRequest, ledger: Ledger, query: DiffQuery) -> Response[Any]:
    """A page of what differs; raises MalformedRequest, InTheFuture, NotFound, Purged and ProjectionBehind."""
    dependencies_of(request).uncacheable()  # it depends on the end of the log, and on the language
    scope, name = query.require_target()
    target = await _find_target(request, ledger, scope, name, query.min_position)
    list_id = query.list_id(target.id)
    cursor = PageCursor.parse(query.cursor, list_id, DiffCursor)
    span = await find_span(ledger.log, query, cursor)
    found = await DiffReader(request, ledger, target, span, query.min_position).find_documents(cursor, query.limit + 1)
    language, documents = preferred_language(request), found.documents[: query.limit]
    items = await load_items(ledger, target.workspace_id, documents, language, span.end)
    await ledger.permissions.require_access(request.user.user_id, target.workspace_id)
    is_whole = len(found.documents) <= query.limit  # all that was read is on the page, if it has the bytes

    def cursor_after(count: int) -> PageCursor:
        if found.last and is_whole and count == len(items):
            kind, last = found.last
        else:
            kind, last = documents[count - 1].kind, documents[count - 1].changes.id
        return PageCursor(list_id, DiffCursor(kind.name, last, span.end.position, span.end.at))

    moments = {"from": _shown(span.start), "to": _shown(span.end)}
    count = len(found.documents) + bool(found.last and is_whole)
    answer = encode_page(items, count, cursor_after, **moments)
    response = conditional_response(request, answer, found.position)
    response.headers |= {"Content-Language": language, "Vary": "accept-language"}
    return response


async def _find_target(
    request: AuthedRequest, ledger: Ledger, scope: Scope, name: str, min_position: int | None
) -> DiffTarget:
    """What is to be compared, if the caller may read it now; raises NotFound and Purged."""
    user = request.user.user_id
    if scope == "task":
        id_ = await ledger.resolve_task_id(request, name, min_position)
        task = require_found(await ledger.log.load_state(Task, id_))
        await ledger.permissions.require_access(user, task.workspace_id, task.project_id)
        if task.purged:
            raise Purged
        return DiffTarget(scope, id_, task.workspace_id)
    if scope == "project":
        id_ = await ledger.resolve_project_id(request, name, min_position)
        project = require_found(await ledger.log.load_state(Project, id_))
        await ledger.permissions.require_access(user, project.workspace_id, id_)
        return DiffTarget(scope, id_, project.workspace_id)
    id_ = parse_id(name)
    await ledger.permissions.require_access(user, id_)
    return DiffTarget(scope, id_, id_)


def _shown(moment: Moment) -> DiffMoment:
    return DiffMoment(moment.position, moment.clock)
