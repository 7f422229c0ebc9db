"""Task lists over HTTP."""

from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta, Struct

from api.function_endpoint import get, post
from api.http.expansion import EXPAND_DESCRIPTION, ExpandParam, PartialTaskPage, parse_expand
from api.http.parameters import LIMIT_DESCRIPTION, CursorParam, LimitParam, MinPositionParam
from api.http.response import Response
from api.http.task_parameters import (
    COUNT_DESCRIPTION,
    FIELDS_DESCRIPTION,
    FILTER_DESCRIPTION,
    SIMILAR_DESCRIPTION,
    SORT_DESCRIPTION,
    CountParam,
    FieldsParam,
    FilterParam,
    SimilarParam,
    SortParam,
    parse_fields,
)
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
)
from domain.filter import parse
from projections import board
from projections.board import Board
from projections.task_page import TaskPage, TaskPageOptions
from projections.task_page_sql import project_scope
from projections.task_sorting import TaskSort

_MEMBER_BY_REFUSAL: Final[dict[type[Refusal], str]] = {
    BadCursor: "cursor",
    CursorMismatch: "cursor",
    FilterSyntax: "filter",
    FilterTooLong: "filter",
    FilterValue: "filter",
    SortNeedsText: "sort",
    UnknownField: "filter",
}
"""The member of a search that each refusal is about."""


class TaskSearch(Struct, frozen=True, forbid_unknown_fields=True):
    """A search: the same parameters that `GET /tasks` takes in its query."""

    filter: Annotated[
        str, Meta(description=FILTER_DESCRIPTION, examples=["status:open assignee:me"], extra={"refusal": parse})
    ] = ""
    sort: Annotated[TaskSort | None, Meta(description=SORT_DESCRIPTION, examples=["due"])] = None
    limit: Annotated[int, Meta(ge=1, le=200, description=LIMIT_DESCRIPTION)] = 50
    cursor: Annotated[str, Meta(max_length=1_000)] | None = None
    fields: Annotated[
        str | None, Meta(description=FIELDS_DESCRIPTION, examples=["id,title,due"], extra={"check": parse_fields})
    ] = None
    count: Annotated[Literal["exact"] | None, Meta(description=COUNT_DESCRIPTION)] = None
    similar: Annotated[bool, Meta(description=SIMILAR_DESCRIPTION)] = False
    expand: Annotated[
        str | None, Meta(description=EXPAND_DESCRIPTION, examples=["assignees"], extra={"check": parse_expand})
    ] = None
    min_position: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for unknown or repeated members."""
        parse_fields(self.fields)
        parse_expand(self.expand)


@get("/tasks")
async def find_tasks(
    request: AuthedRequest,
    ledger: Ledger,
    filter: FilterParam = "",  # noqa: A002 - the parameter's name
    sort: SortParam = None,
    limit: LimitParam = 50,
    cursor: CursorParam = None,
    fields: FieldsParam = None,
    count: CountParam = None,
    similar: SimilarParam = False,  # noqa: FBT002 - a query parameter
    expand: ExpandParam = None,
    min_position: MinPositionParam = None,
) -> Response[TaskPage | PartialTaskPage]:
    """List the tasks of all your workspaces that match a filter, without those in the trash.

    If you join a workspace between two pages, its tasks appear on the pages that follow.
    """
    query = TaskPageOptions(filter, sort, limit, cursor, parse_fields(fields), count is not None, similar)
    return await list_across_workspaces(request, ledger, query, min_position, parse_expand(expand))


@post("/tasks/search", costs_like="search", status_code=200)
async def search_tasks(
    data: TaskSearch, request: AuthedRequest, ledger: Ledger
) -> Response[TaskPage | PartialTaskPage]:
    """List tasks as `GET /tasks` does, for filters too long for a URL; changes nothing."""
    fields, is_counted = parse_fields(data.fields), data.count is not None
    query = TaskPageOptions(data.filter, data.sort, data.limit, data.cursor, fields, is_counted, data.similar)
    try:
        return await list_across_workspaces(request, ledger, query, data.min_position, parse_expand(data.expand))
    except tuple(_MEMBER_BY_REFUSAL) as refusal:
        refusal.pointer = f"#/{_MEMBER_BY_REFUSAL[type(refusal)]}"
        raise


@get("/projects/{project}/tasks")
async def list_tasks(
    project: UUID,
    request: AuthedRequest,
    ledger: Ledger,
    filter: FilterParam = "",  # noqa: A002 - the parameter's name
    sort: SortParam = None,
    limit: LimitParam = 50,
    cursor: CursorParam = None,
    fields: FieldsParam = None,
    count: CountParam = None,
    similar: SimilarParam = False,  # noqa: FBT002 - a query parameter
    expand: ExpandParam = None,
    min_position: MinPositionParam = None,
) -> Response[TaskPage | PartialTaskPage]:
    """List the tasks of a project that match a filter, without those in the trash; oldest first by default."""
    query = TaskPageOptions(filter, sort, limit, cursor, parse_fields(fields), count is not None, similar)
    scope = project_scope(project)
    return await read_task_page(request, ledger, scope, query, min_position, parse_expand(expand))


@get("/projects/{project}/board")
async def show_board(
    project: UUID,
    request: AuthedRequest,
    ledger: Ledger,
    filter: FilterParam = "",  # noqa: A002 - the parameter's name
    limit: LimitParam = 50,
    min_position: MinPositionParam = None,
) -> Response[Board]:
    """Show the columns of a project in order, each with its first tasks that match a filter, by rank."""
    address = f"{BASE_PATH}/projects/{project}/tasks"
    context = await filter_context(request, ledger, filter, min_position)
    question = board.board(project, TaskPageOptions(filter, limit=limit), context, address)
    return name_zone(await ledger.read(request, question, min_position), context, filter)
