"""Workspaces over HTTP."""

import msgspec
from litestar import get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.http import preconditions
from api.http.addressing import given_id
from api.http.outcomes import Written
from api.http.parameters import Cursor, Limit, MinPosition
from api.http.response import Response
from api.ledger import Asked, Ledger
from commands.workspace import CreateWorkspace, EditWorkspace
from infra.ids import new_id
from infra.reading.reader import Found
from projections import pagination, workspace_list
from projections.pagination import START_OF_TIME, ByTime, Page
from projections.workspace_list import WorkspaceRow


@post("/workspaces")
async def create_workspace(
    data: JSONBody[CreateWorkspace], request: Asked, ledger: NamedDependency[Ledger]
) -> Response[Written]:
    """Open a workspace; whoever opens it owns it."""
    return await ledger.write(request, data.id or new_id(), data)


@patch("/workspaces/{workspace:str}")
async def edit_workspace(
    workspace: FromPath[str], data: JSONBody[EditWorkspace], request: Asked, ledger: NamedDependency[Ledger]
) -> Response[Written]:
    """Give a workspace another name; name the version that you saw."""
    return await ledger.write(request, given_id(workspace), data)


@get("/workspaces/{workspace:str}")
async def show_workspace(
    workspace: FromPath[str], request: Asked, ledger: NamedDependency[Ledger], min_position: MinPosition = None
) -> Response[WorkspaceRow]:
    """One workspace, with its members and what they may do."""
    return await ledger.read(request, workspace_list.one(given_id(workspace)), min_position)


@get("/workspaces")
async def list_workspaces(
    request: Asked,
    ledger: NamedDependency[Ledger],
    limit: Limit = 50,
    cursor: Cursor = None,
    min_position: MinPosition = None,
) -> Response[Page[WorkspaceRow]]:
    """The workspaces that you are a member of, oldest first."""
    this = workspace_list.named(request.user.person)
    after = pagination.Cursor.place(cursor, this, ByTime) or START_OF_TIME
    shown, found = await _after(request, ledger, after, limit + 1, min_position)
    age = max((one.age for one in found if one.age is not None), default=None)
    answer = pagination.paged(shown, limit, this, workspace_list.place)
    return preconditions.answered(request, answer, min(one.position for one in found), age)


async def _after(
    request: Asked, ledger: Ledger, after: ByTime, wanted: int, min_position: int | None
) -> tuple[list[WorkspaceRow], list[Found]]:
    """The workspaces after a place, so many if there are as many, and what they were found in.

    Where somebody was removed a moment ago, others come instead: no page shows by a gap what is not to be seen.
    """
    person, read, found = request.user.person, list[WorkspaceRow](), list[Found]()
    while True:
        found.append(await ledger.found(request, workspace_list.page(person, after, wanted), min_position))
        answer = found[-1].answer
        more = msgspec.json.decode(answer.body, type=Page[WorkspaceRow]).items if answer else []
        read += more
        here = {workspace for _, workspace in await ledger.rights.memberships(person, [row.id for row in read])}
        shown = [row for row in read if row.id in here]
        if len(shown) >= wanted or len(more) < wanted:
            return shown, found
        after = workspace_list.place(read[-1])
