"""Projects over HTTP."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from api.command_endpoint import command
from api.http.addressing import is_project_key, parse_project_id
from api.http.parameters import PastPageQuery, PastQuery
from api.question_endpoint import question
from commands.column import SetColumns
from commands.project import ArchiveProject, CreateProject, EditProject, RestoreProject
from commands.trash import TrashProject
from projections import project_list
from projections.pagination import Page
from projections.project_list import ProjectRow


class ProjectsQuery(PastPageQuery, frozen=True):
    """The parameters of the list of projects."""

    archived: Annotated[bool, Meta(description="Include archived projects.")] = False


def _parse_name(text: str) -> UUID | str:
    """The id or key of a project."""
    return text.upper() if is_project_key(text) else parse_project_id(text)


create_project = command(
    "POST", "/workspaces/{workspace}/projects", CreateProject, "Create a project with a board of three columns."
)


list_projects = question(
    "/workspaces/{workspace}/projects",
    project_list.page,
    Page[ProjectRow],
    "List the projects of a workspace outside the trash, by key; archived ones only on request.",
    ProjectsQuery,
)
show_project_of_workspace = question(
    "/workspaces/{workspace}/projects/{project}",
    project_list.by_name,
    ProjectRow,
    "Show one project of a workspace, by its id or key; a key is never ambiguous here.",
    PastQuery,
    project=_parse_name,
)
show_project = question("/projects/{project}", project_list.by_id, ProjectRow, "Show one project.", PastQuery)
edit_project = command("PATCH", "/projects/{project}", EditProject, "Rename a project; send the version you last read.")
set_columns = command(
    "PUT",
    "/projects/{project}/columns",
    SetColumns,
    """Set the columns of a board, in order, with their limits; send the version you last read.

    A column that you leave out accepts no new tasks. If it has some, say with `move` which column they go to, or with
    `keep` that they stay there, and are shown there, until they are moved.
    """,
)
archive_project = command(
    "POST",
    "/projects/{project}/archive",
    ArchiveProject,
    "Archive a project: it becomes read-only and is left out of the list.",
)
restore_project = command(
    "POST", "/projects/{project}/restore", RestoreProject, "Restore a project from the trash and from the archive."
)
trash_project = command(
    "DELETE",
    "/projects/{project}",
    TrashProject,
    "Move a project and its tasks to the trash; send the version you last read.",
)
