"""Rights of readers: who may see a workspace, asked of the log, so that a removal counts at once."""

from uuid import UUID

from domain.errors import NotFound
from domain.project import Project
from domain.workspace import Member, member_of
from infra.log import EventLog


class Rights:
    """Says no by raising NotFound, the same for what is absent and for what is somebody else's."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def may_see(self, user: UUID, workspace: UUID) -> None:
        """Raise NotFound unless the user is a member of the workspace."""
        if await self._log.state(Member, member_of(workspace, user)) is None:
            raise NotFound

    async def may_see_project(self, user: UUID, project: UUID) -> None:
        """Raise NotFound unless the project exists and the user is a member of its workspace."""
        state = await self._log.state(Project, project)
        if state is None:
            raise NotFound
        await self.may_see(user, state.workspace_id)
