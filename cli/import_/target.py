"""The project and user of an import, found from the names the operator gave before anything is imported."""

from uuid import UUID

from msgspec import Struct

from cli.database import database_connection
from cli.open_instance import OpenInstance
from cli.read_models import query_read_models
from domain.column import Column
from domain.member import Member, member_stream_id
from domain.project import Project, ProjectKey, project_key_stream_id
from infra.errors import OperatorError
from projections import workspace_list


class ImportTarget(Struct, frozen=True):
    """The project to import into, and the user who imports."""

    project_id: UUID
    columns: tuple[Column, ...]
    user_id: UUID


async def find_target(instance: OpenInstance, url: str, workspace: str, project_key: str, email: str) -> ImportTarget:
    """The project and user with these names; raises OperatorError for the first one not found."""
    workspace_id, user_id = await find_workspace(instance, url, workspace, email)
    project = await instance.log.load_state(ProjectKey, project_key_stream_id(workspace_id, project_key.upper()))
    if project is None:
        raise OperatorError(f"The workspace has no project with the key {project_key}: check --project.")
    state = await instance.log.load_state(Project, project.project_id)
    return ImportTarget(project.project_id, state.columns if state else (), user_id)


async def find_workspace(instance: OpenInstance, url: str, workspace: str, email: str) -> tuple[UUID, UUID]:
    """The workspace with that id or name, and the user, who is a member of it; raises OperatorError."""
    user_id = await instance.addresses.find_user(email)
    if user_id is None:
        raise OperatorError(f"No user is registered as {email}: check --as.")
    workspace_id = _find_workspace_id(url, workspace, user_id)
    if await instance.log.load_state(Member, member_stream_id(workspace_id, user_id)) is None:
        raise OperatorError(f"{email} is not a member of workspace {workspace}: check --workspace.")
    return workspace_id, user_id


def _find_workspace_id(url: str, id_or_name: str, user_id: UUID) -> UUID:
    """An id, or the name of one of the user's workspaces."""
    try:
        return UUID(id_or_name)
    except ValueError:
        with database_connection(url) as connection:
            rows = query_read_models(connection, workspace_list.IDS_BY_NAME_FOR_MEMBER_SQL, (id_or_name, str(user_id)))
            workspace_ids = [workspace for (workspace,) in rows]
    if len(workspace_ids) == 1:
        return UUID(str(workspace_ids[0]))
    if not workspace_ids:
        raise OperatorError(f"This user is a member of no workspace named {id_or_name!r}: check --workspace.")
    raise OperatorError(
        f"Several workspaces are called {id_or_name!r}: use one of the ids {', '.join(map(str, workspace_ids))}."
    )
