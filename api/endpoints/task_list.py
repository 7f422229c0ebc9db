"""Task lists over HTTP."""

from typing import Annotated, Any, Literal

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from api.http.addressing import parse_id
from api.http.parameters import CursorParam, LimitParam, MinPositionParam
from api.http.problems import MalformedRequest
from api.http.response import Response
from api.ledger import BASE_PATH, AuthedRequest, Ledger
from infra import clock
from projections import board, task_page
from projections.board import Board
from projections.task_page import TASK_FIELDS, Caller, TaskPage, TaskPageOptions, TaskParts, TaskScope
from projections.task_sorting import TaskSort

_FILTER_DESCRIPTION = (
    'Terms that hold all at once, such as `status:open assignee:me due<2026-12-01 -label:later "free text"`.'
)
_SORT_DESCRIPTION = (
    "What to sort by, `-` before it for the other way round. `priority` begins with none, `due` ends with none both "
    "ways; `rank` is the order in which tasks were created in a project, `key` is by project key, then number; "
    "`relevance` is best first. If left out: relevance where there is free text, else rank in a project, -updated "
    "across projects."
)
_FIELDS_DESCRIPTION = "Only these members of each item, with commas between them."
_COUNT_DESCRIPTION = "`exact`: say in `count` how many there are on all pages."
FilterParam = Annotated[str, QueryParameter(description=_FILTER_DESCRIPTION)]
SortParam = Annotated[TaskSort | None, QueryParameter(description=_SORT_DESCRIPTION)]
FieldsParam = Annotated[str | None, QueryParameter(description=_FIELDS_DESCRIPTION)]
CountParam = Annotated[Literal["exact"] | None, QueryParameter(description=_COUNT_DESCRIPTION)]


class TaskSearch(Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for: the same that `GET /tasks` takes in its address."""

    filter: Annotated[str, Meta(description=_FILTER_DESCRIPTION, examples=["status:open assignee:me"])] = ""
    sort: Annotated[TaskSort | None, Meta(description=_SORT_DESCRIPTION, examples=["due"])] = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=1_000)] | None = None
    fields: Annotated[str | None, Meta(description=_FIELDS_DESCRIPTION, examples=["id,title,due"])] = None
    count: Annotated[Literal["exact"] | None, Meta(description=_COUNT_DESCRIPTION)] = None
    min_position: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for fields that there are not."""
        parse_fields(self.fields)


@get("/tasks")
async def find_tasks(
    request: AuthedRequest,
    ledger: NamedDependency[Ledger],
    filter: FilterParam = "",  # noqa: A002 - the parameter's name
    sort: SortParam = None,
    limit: LimitParam = 50,
    cursor: CursorParam = None,
    fields: FieldsParam = None,
    count: CountParam = None,
    min_position: MinPositionParam = None,
) -> Response[TaskPage | TaskParts]:
    """The tasks of all your workspaces that a filter chooses, without those in the trash.

    The list is yours: if you join a workspace between two pages, its tasks are on those to come.
    """
    query = TaskPageOptions(filter, sort, limit, cursor, parse_fields_param(fields), count is not None)
    return await list_across_workspaces(request, ledger, query, min_position)


@post("/tasks/search", status_code=200)
async def search_tasks(
    data: JSONBody[TaskSearch], request: AuthedRequest, ledger: NamedDependency[Ledger]
) -> Response[TaskPage | TaskParts]:
    """The same as `GET /tasks`, for what is too long for an address; it changes nothing."""
    fields, is_counted = parse_fields(data.fields), data.count is not None
    query = TaskPageOptions(data.filter, data.sort, data.limit, data.cursor, fields, is_counted)
    return await list_across_workspaces(request, ledger, query, data.min_position)


@get("/projects/{project:str}/tasks")
async def list_tasks(
    project: FromPath[str],
    request: AuthedRequest,
    ledger: NamedDependency[Ledger],
    filter: FilterParam = "",  # noqa: A002 - the parameter's name
    sort: SortParam = None,
    limit: LimitParam = 50,
    cursor: CursorParam = None,
    fields: FieldsParam = None,
    count: CountParam = None,
    min_position: MinPositionParam = None,
) -> Response[TaskPage | TaskParts]:
    """The tasks of a project that a filter chooses, without those in the trash; oldest first unless you sort them."""
    query = TaskPageOptions(filter, sort, limit, cursor, parse_fields_param(fields), count is not None)
    return await _list_page(request, ledger, task_page.project_scope(parse_id(project)), query, min_position)


@get("/projects/{project:str}/board")
async def show_board(
    project: FromPath[str],
    request: AuthedRequest,
    ledger: NamedDependency[Ledger],
    filter: FilterParam = "",  # noqa: A002 - the parameter's name
    limit: LimitParam = 50,
    min_position: MinPositionParam = None,
) -> Response[Board]:
    """The columns of a project in their order, each with the first of its tasks that a filter chooses, by rank."""
    project_id = parse_id(project)
    address = f"{BASE_PATH}/projects/{project_id}/tasks"
    question = board.board(project_id, TaskPageOptions(filter, limit=limit), _caller(request), address)
    return await ledger.read(request, question, min_position)


async def list_across_workspaces(
    request: AuthedRequest, ledger: Ledger, query: TaskPageOptions, min_position: int | None
) -> Response[Any]:
    """Answer with the tasks that are wanted of all workspaces of who asks."""
    workspaces = await ledger.workspaces_of_caller(request, min_position)
    return await _list_page(
        request, ledger, task_page.workspaces_scope(workspaces, request.user.user_id), query, min_position
    )


def parse_fields_param(text: str | None) -> tuple[str, ...]:
    """The members of a task that a parameter names, in their order; raises Malformed."""
    try:
        return parse_fields(text)
    except ValueError as error:
        raise MalformedRequest("invalid_parameter", f"fields: {error}.", pointer="?fields") from error


def parse_fields(text: str | None) -> tuple[str, ...]:
    """The members of a task that a text names, in their order; raises ValueError for one that is none, or repeated."""
    names = text.split(",") if text is not None else TASK_FIELDS
    for name in names:
        if name not in TASK_FIELDS or names.count(name) > 1:
            msg = f"{name[:100]!r} is no field of a task" if name not in TASK_FIELDS else f"{name!r} is named twice"
            raise ValueError(msg)
    return tuple(name for name in TASK_FIELDS if name in names)


async def _list_page(
    request: AuthedRequest, ledger: Ledger, scope: TaskScope, query: TaskPageOptions, min_position: int | None
) -> Response[Any]:
    question = task_page.page(scope, query, _caller(request))
    return await ledger.read(request, question, min_position)


def _caller(request: AuthedRequest) -> Caller:
    """In whole minutes: an answer that depends on the time is kept for its minute, and then asked for anew."""
    return Caller(request.user.user_id, clock.now().replace(second=0, microsecond=0))
