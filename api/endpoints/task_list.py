"""Task lists over HTTP."""

from typing import Annotated, Any, Literal

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from api.http.addressing import given_id
from api.http.parameters import Cursor, Limit, MinPosition
from api.http.problems import Malformed
from api.http.response import Response
from api.ledger import BASE, Asked, Ledger
from infra import clock
from projections import board, task_page
from projections.board import Board
from projections.task_page import FIELDS, Asker, Place, TaskPage, TaskParts, Wanted
from projections.task_sorting import Sort

_FILTER = 'Terms that hold all at once, such as `status:open assignee:me due<2026-12-01 -label:later "free text"`.'
_SORT = (
    "What to sort by, `-` before it for the other way round. `priority` begins with none, `due` ends with none both "
    "ways; `rank` is the order in which tasks were created in a project, `key` is by project key, then number; "
    "`relevance` is best first. If left out: relevance where there is free text, else rank in a project, -updated "
    "across projects."
)
_FIELDS = "Only these members of each item, with commas between them."
_COUNT = "`exact`: say in `count` how many there are on all pages."
Filter = Annotated[str, QueryParameter(description=_FILTER)]
Sorted = Annotated[Sort | None, QueryParameter(description=_SORT)]
Fields = Annotated[str | None, QueryParameter(description=_FIELDS)]
Count = Annotated[Literal["exact"] | None, QueryParameter(description=_COUNT)]


class TaskSearch(Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for: the same that `GET /tasks` takes in its address."""

    filter: Annotated[str, Meta(description=_FILTER, examples=["status:open assignee:me"])] = ""
    sort: Annotated[Sort | None, Meta(description=_SORT, examples=["due"])] = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=1_000)] | None = None
    fields: Annotated[str | None, Meta(description=_FIELDS, examples=["id,title,due"])] = None
    count: Annotated[Literal["exact"] | None, Meta(description=_COUNT)] = None
    min_position: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for fields that there are not."""
        chosen(self.fields)


@get("/tasks")
async def find_tasks(
    request: Asked,
    ledger: NamedDependency[Ledger],
    filter: Filter = "",  # noqa: A002 - the parameter's name
    sort: Sorted = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    fields: Fields = None,
    count: Count = None,
    min_position: MinPosition = None,
) -> Response[TaskPage | TaskParts]:
    """The tasks of all your workspaces that a filter chooses, without those in the trash.

    The list is yours: if you join a workspace between two pages, its tasks are on those to come.
    """
    wanted = Wanted(filter, sort, limit, cursor, named_fields(fields), count is not None)
    return await across(request, ledger, wanted, min_position)


@post("/tasks/search", status_code=200)
async def search_tasks(
    data: JSONBody[TaskSearch], request: Asked, ledger: NamedDependency[Ledger]
) -> Response[TaskPage | TaskParts]:
    """The same as `GET /tasks`, for what is too long for an address; it changes nothing."""
    fields, is_counted = chosen(data.fields), data.count is not None
    wanted = Wanted(data.filter, data.sort, data.limit, data.cursor, fields, is_counted)
    return await across(request, ledger, wanted, data.min_position)


@get("/projects/{project:str}/tasks")
async def list_tasks(
    project: FromPath[str],
    request: Asked,
    ledger: NamedDependency[Ledger],
    filter: Filter = "",  # noqa: A002 - the parameter's name
    sort: Sorted = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    fields: Fields = None,
    count: Count = None,
    min_position: MinPosition = None,
) -> Response[TaskPage | TaskParts]:
    """The tasks of a project that a filter chooses, without those in the trash; oldest first unless you sort them."""
    wanted = Wanted(filter, sort, limit, cursor, named_fields(fields), count is not None)
    return await _listed(request, ledger, task_page.in_project(given_id(project)), wanted, min_position)


@get("/projects/{project:str}/board")
async def show_board(
    project: FromPath[str],
    request: Asked,
    ledger: NamedDependency[Ledger],
    filter: Filter = "",  # noqa: A002 - the parameter's name
    limit: Limit = 50,
    min_position: MinPosition = None,
) -> Response[Board]:
    """The columns of a project in their order, each with the first of its tasks that a filter chooses, by rank."""
    project_id = given_id(project)
    address = f"{BASE}/projects/{project_id}/tasks"
    question = board.board(project_id, Wanted(filter, limit=limit), _asker(request), address)
    return await ledger.read(request, question, min_position)


async def across(asked: Asked, ledger: Ledger, wanted: Wanted, min_position: int | None) -> Response[Any]:
    """Answer with the tasks that are wanted of all workspaces of who asks."""
    here = await ledger.workspaces(asked, min_position)
    return await _listed(asked, ledger, task_page.in_workspaces(here, asked.user.person), wanted, min_position)


def named_fields(text: str | None) -> tuple[str, ...]:
    """The members of a task that a parameter names, in their order; raises Malformed."""
    try:
        return chosen(text)
    except ValueError as error:
        raise Malformed("invalid_parameter", f"fields: {error}.", pointer="?fields") from error


def chosen(text: str | None) -> tuple[str, ...]:
    """The members of a task that a text names, in their order; raises ValueError for one that is none, or repeated."""
    names = text.split(",") if text is not None else FIELDS
    for name in names:
        if name not in FIELDS or names.count(name) > 1:
            msg = f"{name[:100]!r} is no field of a task" if name not in FIELDS else f"{name!r} is named twice"
            raise ValueError(msg)
    return tuple(name for name in FIELDS if name in names)


async def _listed(
    asked: Asked, ledger: Ledger, place: Place, wanted: Wanted, min_position: int | None
) -> Response[Any]:
    question = task_page.page(place, wanted, _asker(asked))
    return await ledger.read(asked, question, min_position)


def _asker(asked: Asked) -> Asker:
    """In whole minutes: an answer that depends on the time is kept for its minute, and then asked for anew."""
    return Asker(asked.user.person, clock.now().replace(second=0, microsecond=0))
