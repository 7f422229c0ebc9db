"""Projects over HTTP."""

from typing import Annotated

from litestar.params import QueryParameter

from api.http.addressing import in_scope, is_project_key, parse_id, parse_project_id
from api.http.command_results import WriteResult
from api.http.endpoint import delete, get, patch, post, put
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
IncludeArchivedParam = Annotated[bool, QueryParameter(description="Include archived projects.")]


@post("/workspaces/{workspace:str}/projects")
async def create_project(workspace: str, data: CreateProject, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Create a project with a board of three columns."""
    command = in_scope(data, workspace_id=parse_id(workspace))
    return await ledger.write(request, data.id or new_id(), command)


@get("/workspaces/{workspace:str}/projects")
async def list_projects(
    workspace: str,
    request: AuthedRequest,
    ledger: Ledger,
    archived: IncludeArchivedParam = False,  # noqa: FBT002 - a parameter of the address
    limit: LimitParam = 50,
    cursor: CursorParam = None,
    min_position: MinPositionParam = None,
) -> Response[Page[ProjectRow]]:
    """List the projects of a workspace outside the trash, by key; archived ones only on request."""
    question = project_list.page(parse_id(workspace), limit, cursor, archived=archived)
    return await ledger.read(request, question, min_position)


@get("/workspaces/{workspace:str}/projects/{project:str}")
async def show_project_of_workspace(
    workspace: str,
    project: str,
    request: AuthedRequest,
    ledger: Ledger,
    min_position: MinPositionParam = None,
) -> Response[ProjectRow]:
    """Show one project of a workspace, by its id or key; a key is never ambiguous here."""
    workspace_id, is_key = parse_id(workspace), is_project_key(project)
    question = project_list.by_name(workspace_id, project.upper() if is_key else parse_project_id(project))
    return await ledger.read(request, question, min_position)


@get("/projects/{project:str}")
async def show_project(
    project: str,
    request: AuthedRequest,
    ledger: Ledger,
    min_position: MinPositionParam = None,
) -> Response[ProjectRow]:
    """Show one project."""
    return await ledger.read(
        request, project_list.by_id(await ledger.resolve_project_id(request, project, min_position)), min_position
    )


@patch("/projects/{project:str}")
async def edit_project(project: str, data: EditProject, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Rename a project; send the version you last read."""
    return await ledger.write(request, await ledger.resolve_project_id(request, project), data)


@put("/projects/{project:str}/columns")
async def set_columns(project: str, data: SetColumns, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Set the columns of a board, in order, with their limits; send the version you last read.

    A column that you leave out accepts no new tasks. If it has some, say with `move` which column they go to, or with
    `keep` that they stay there, and are shown there, until they are moved.
    """
    return await ledger.write(request, await ledger.resolve_project_id(request, project), data)


@post("/projects/{project:str}/archive", status_code=200)
async def archive_project(project: str, data: ArchiveProject, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Archive a project: it becomes read-only and is left out of the list."""
    return await ledger.write(request, await ledger.resolve_project_id(request, project), data)


@post("/projects/{project:str}/restore", status_code=200)
async def restore_project(project: str, data: RestoreProject, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Restore a project from the trash and from the archive."""
    return await ledger.write(request, await ledger.resolve_project_id(request, project), data)


@delete("/projects/{project:str}", status_code=200)
async def trash_project(project: str, data: TrashProject, request: AuthedRequest, ledger: Ledger) -> WriteResponse:
    """Move a project and its tasks to the trash; send the version you last read."""
    return await ledger.write(request, await ledger.resolve_project_id(request, project), data)
