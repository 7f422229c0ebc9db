"""Where an import goes, and as whom: what the operator named, found and checked before anything is read."""

from uuid import UUID

from msgspec import Struct

from cli.opened import asked, database
from domain.member import Member, member_stream_id
from domain.project import ProjectKey, project_key_stream_id
from domain.user import EmailAddress, email_stream_id
from infra.errors import OperatorError
from infra.log import EventLog
from projections import workspace_list


class Place(Struct, frozen=True):
    """A project, and the user who imports into it."""

    project: UUID
    user: UUID


async def find(log: EventLog, url: str, workspace: str, key: str, email: str) -> Place:
    """The place that these words name; raises OperatorError for the first that names nothing."""
    address = await log.load_state(EmailAddress, email_stream_id(email))
    if address is None:
        raise OperatorError(f"Nobody is registered as {email}: check --as.")
    workspace_id = _workspace(url, workspace, address.user_id)
    if await log.load_state(Member, member_stream_id(workspace_id, address.user_id)) is None:
        raise OperatorError(f"{email} is a member of no workspace {workspace}: check --workspace.")
    project = await log.load_state(ProjectKey, project_key_stream_id(workspace_id, key.upper()))
    if project is None:
        raise OperatorError(f"The workspace has no project with the key {key}: check --project.")
    return Place(project.project_id, address.user_id)


def _workspace(url: str, words: str, user: UUID) -> UUID:
    """An id, or the name of one of the user's workspaces."""
    try:
        return UUID(words)
    except ValueError:
        with database(url) as connection:
            rows = asked(connection, workspace_list.IDS_BY_NAME_FOR_MEMBER_SQL, (words, str(user)))
            found = [workspace for (workspace,) in rows]
    if len(found) == 1:
        return UUID(str(found[0]))
    if not found:
        raise OperatorError(f"There is no workspace {words!r} that this user is a member of: check --workspace.")
    raise OperatorError(f"Several workspaces are called {words!r}; name one by its id: {', '.join(map(str, found))}.")
