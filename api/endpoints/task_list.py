"""Task lists over HTTP."""

from typing import Final
from uuid import UUID

from api.function_endpoint import get, post
from api.http.expansion import PartialTaskPage
from api.http.parameters import Limit, PastQuery
from api.http.response import Response
from api.http.task_parameters import Filter, TaskSearch
from api.ledger import BASE_PATH, AuthedRequest, Ledger
from api.task_queries import filter_context, list_across_workspaces, name_zone, read_task_page
from domain.errors import (
    BadCursor,
    CursorMismatch,
    FilterSyntax,
    FilterTooLong,
    FilterValue,
    Refusal,
    SortNeedsText,
    UnknownField,
    UnknownSortField,
)
from projections import board
from projections.board import Board
from projections.task_page import TaskPage, TaskPageOptions
from projections.task_page_sql import project_scope

_MEMBER_BY_REFUSAL: Final[dict[type[Refusal], str]] = {
    BadCursor: "cursor",
    CursorMismatch: "cursor",
    FilterSyntax: "filter",
    FilterTooLong: "filter",
    FilterValue: "filter",
    SortNeedsText: "sort",
    UnknownField: "filter",
    UnknownSortField: "sort",
}
"""The member of a search that each refusal is about."""


class BoardQuery(PastQuery, frozen=True):
    """The parameters of a board."""

    filter: Filter = ""
    limit: Limit = 50


@get("/tasks")
async def find_tasks(request: AuthedRequest, ledger: Ledger, query: TaskSearch) -> Response[TaskPage | PartialTaskPage]:
    """List the tasks of all your workspaces that match a filter.

    Those in the trash are left out, and archived ones unless the filter says `is:archived`. If you join a workspace
    between two pages, its tasks appear on the pages that follow.
    """
    return await list_across_workspaces(request, ledger, query)


@post("/tasks/search", costs_like="search", status_code=200)
async def search_tasks(
    data: TaskSearch, request: AuthedRequest, ledger: Ledger
) -> Response[TaskPage | PartialTaskPage]:
    """List tasks as `GET /tasks` does, for filters too long for a URL; changes nothing."""
    try:
        return await list_across_workspaces(request, ledger, data)
    except tuple(_MEMBER_BY_REFUSAL) as refusal:
        refusal.pointer = f"#/{_MEMBER_BY_REFUSAL[type(refusal)]}"
        raise


@get("/projects/{project}/tasks")
async def list_tasks(
    project: UUID, request: AuthedRequest, ledger: Ledger, query: TaskSearch
) -> Response[TaskPage | PartialTaskPage]:
    """List the tasks of a project that match a filter, oldest first by default.

    Those in the trash are left out, and archived ones unless the filter says `is:archived`.
    """
    return await read_task_page(request, ledger, project_scope(project), query)


@get("/projects/{project}/board")
async def show_board(project: UUID, request: AuthedRequest, ledger: Ledger, query: BoardQuery) -> Response[Board]:
    """Show the columns of a project in order, each with its first tasks that match a filter, by rank."""
    address = f"{BASE_PATH}/projects/{project}/tasks"
    moment = await ledger.moment(request, query.as_of, query.at_position)
    scope = project_scope(project)
    context = await filter_context(request, ledger, query.filter, scope, query.min_position, moment=moment)
    asked = board.board(project, TaskPageOptions(query.filter, limit=query.limit), context, address, query.moment())
    return name_zone(await ledger.read(request, asked.as_of(moment), query.min_position), context, query.filter)
