"""Projects over HTTP."""

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.ledger import Asked, Ledger, Written, given_id, within
from api.parameters import MinPosition
from commands.project import CreateProject
from infra.ids import new_id
from projections import project_list
from projections.page import Page
from projections.project_list import ProjectRow


@post("/workspaces/{workspace:str}/projects")
async def create_project(
    workspace: FromPath[str], data: JSONBody[CreateProject], request: Asked, ledger: NamedDependency[Ledger]
) -> Response[Written]:
    """Open a project with a board of three columns."""
    command = within(data, workspace_id=given_id(workspace))
    return await ledger.write(request, data.id or new_id(), command)


@get("/workspaces/{workspace:str}/projects")
async def list_projects(
    workspace: FromPath[str], request: Asked, ledger: NamedDependency[Ledger], min_position: MinPosition = None
) -> Response[Page[ProjectRow]]:
    """The projects of a workspace, by key."""
    workspace_id = given_id(workspace)
    await ledger.rights.may_see(request.user.person, workspace_id)
    return await ledger.read(request, project_list.of_workspace(workspace_id), min_position)


@get("/projects/{project:str}")
async def show_project(
    project: FromPath[str], request: Asked, ledger: NamedDependency[Ledger], min_position: MinPosition = None
) -> Response[ProjectRow]:
    """One project."""
    return await ledger.read(request, project_list.one(given_id(project)), min_position)
