"""History over HTTP: the events of tasks and projects."""

from uuid import UUID

from api.function_endpoint import get
from api.history import project_scope, read_activity, read_history
from api.http.history_items import HistoryItem
from api.http.history_parameters import ActivityQuery, HistoryQuery
from api.http.memento import MEMENTO_HEADER
from api.http.parameters import ReadQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from api.task_past import BlameItem, Version, read_blame, read_version
from projections.pagination import Page
from projections.task_list import SingleTaskRow


@get("/tasks/{task}/history")
async def show_history(
    task: UUID, request: AuthedRequest, ledger: Ledger, query: HistoryQuery
) -> Response[Page[HistoryItem]]:
    """List the events of a task, newest first, straight from the log.

    Its comments, attachments, time entries and sub-tasks have events of their own (`stream`), which are listed too;
    `version` is that of the stream. `since` is inclusive, `until` is exclusive.
    """
    return await read_history(request, ledger, task, query, query.filters())


@get("/projects/{project}/history")
async def show_project_history(
    project: UUID, request: AuthedRequest, ledger: Ledger, query: ActivityQuery
) -> Response[Page[HistoryItem]]:
    """List the events of a project and of the tasks that are in it now, newest first.

    A task that is moved to another project takes its history along. `since` is inclusive, `until` is exclusive.
    """
    return await read_activity(request, ledger, await project_scope(ledger, project), query)


@get("/tasks/{task}/versions/{version}", response_headers=[MEMENTO_HEADER])
async def show_task_version(
    task: UUID, version: Version, request: AuthedRequest, ledger: Ledger, query: ReadQuery
) -> Response[SingleTaskRow]:
    """Show one task as it was at a version, with its comments, time and sub-tasks counted as they were then."""
    return await read_version(request, ledger, task, version, query.min_position)


@get("/tasks/{task}/blame")
async def show_task_blame(
    task: UUID, request: AuthedRequest, ledger: Ledger, query: ReadQuery
) -> Response[Page[BlameItem]]:
    """Show who last changed each field of a task, when, and by which event.

    A custom field is `fields.` and its name, with the value null once it is cleared.
    """
    return await read_blame(request, ledger, task, query.min_position)
