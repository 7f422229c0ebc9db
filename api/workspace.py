"""Workspaces over HTTP."""

import msgspec
from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api import conditions
from api.ledger import Asked, Ledger, Written
from api.naming import given_id
from api.parameters import MinPosition
from commands.workspace import CreateWorkspace, EditWorkspace
from infra.ids import new_id
from projections import page, workspace_list
from projections.page import Page
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
    request: Asked, ledger: NamedDependency[Ledger], min_position: MinPosition = None
) -> Response[Page[WorkspaceRow]]:
    """The workspaces that you are a member of, oldest first."""
    person = request.user.person
    found = await ledger.found(request, workspace_list.of_user(person), min_position)
    rows = msgspec.json.decode(found.answer.body, type=Page[WorkspaceRow]).items if found.answer else []
    here = {workspace for _, workspace in await ledger.rights.memberships(person, [row.id for row in rows])}
    answer = page.answer({"items": [row for row in rows if row.id in here]})
    return conditions.answered(request, answer, found.position, found.age)
