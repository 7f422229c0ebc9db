"""Projects over HTTP."""

from typing import Annotated

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from api.http.addressing import in_scope, parse_id
from api.http.command_results import WriteResult
from api.http.parameters import CursorParam, LimitParam, MinPositionParam
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from commands.column import SetColumns
from commands.project import ArchiveProject, CreateProject, EditProject, RestoreProject
from commands.trash import TrashProject
from infra.ids import new_id
from projections import project_list
from projections.pagination import Page
from projections.project_list import ProjectRow

WriteResponse = Response[WriteResult]
IncludeArchivedParam = Annotated[bool, QueryParameter(description="Those in the archive too.")]


@post("/workspaces/{workspace:str}/projects")
async def create_project(
    workspace: FromPath[str], data: JSONBody[CreateProject], request: AuthedRequest, ledger: NamedDependency[Ledger]
) -> WriteResponse:
    """Open a project with a board of three columns."""
    command = in_scope(data, workspace_id=parse_id(workspace))
    return await ledger.write(request, data.id or new_id(), command)


@get("/workspaces/{workspace:str}/projects")
async def list_projects(
    workspace: FromPath[str],
    request: AuthedRequest,
    ledger: NamedDependency[Ledger],
    archived: IncludeArchivedParam = False,  # noqa: FBT002 - a parameter of the address
    limit: LimitParam = 50,
    cursor: CursorParam = None,
    min_position: MinPositionParam = None,
) -> Response[Page[ProjectRow]]:
    """The projects of a workspace that are not in the trash, by key; those in the archive only if you ask."""
    question = project_list.page(parse_id(workspace), limit, cursor, archived=archived)
    return await ledger.read(request, question, min_position)


@get("/projects/{project:str}")
async def show_project(
    project: FromPath[str],
    request: AuthedRequest,
    ledger: NamedDependency[Ledger],
    min_position: MinPositionParam = None,
) -> Response[ProjectRow]:
    """One project."""
    return await ledger.read(request, project_list.by_id(parse_id(project)), min_position)


@patch("/projects/{project:str}")
async def edit_project(
    project: FromPath[str], data: JSONBody[EditProject], request: AuthedRequest, ledger: NamedDependency[Ledger]
) -> WriteResponse:
    """Give a project another name; name the version that you saw."""
    return await ledger.write(request, parse_id(project), data)


@put("/projects/{project:str}/columns")
async def set_columns(
    project: FromPath[str], data: JSONBody[SetColumns], request: AuthedRequest, ledger: NamedDependency[Ledger]
) -> WriteResponse:
    """Say which columns a board has, in their order, with their limits; name the version that you saw.

    A column that you leave out takes no more tasks. Those in it stay there, and are shown there, until they are moved.
    """
    return await ledger.write(request, parse_id(project), data)


@post("/projects/{project:str}/archive", status_code=200)
async def archive_project(
    project: FromPath[str], data: JSONBody[ArchiveProject], request: AuthedRequest, ledger: NamedDependency[Ledger]
) -> WriteResponse:
    """Put a project aside: nothing in it changes any more, and it is out of the list."""
    return await ledger.write(request, parse_id(project), data)


@post("/projects/{project:str}/restore", status_code=200)
async def restore_project(
    project: FromPath[str], data: JSONBody[RestoreProject], request: AuthedRequest, ledger: NamedDependency[Ledger]
) -> WriteResponse:
    """Take a project back into use, out of the trash and out of the archive."""
    return await ledger.write(request, parse_id(project), data)


@delete("/projects/{project:str}", status_code=200)
async def trash_project(
    project: FromPath[str], data: JSONBody[TrashProject], request: AuthedRequest, ledger: NamedDependency[Ledger]
) -> WriteResponse:
    """Put a project into the trash, with all that is in it; name the version that you saw."""
    return await ledger.write(request, parse_id(project), data)
