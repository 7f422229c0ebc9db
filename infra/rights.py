"""Rights: who may see a workspace, and who administers this installation, asked of the log as it is now."""

from uuid import UUID

from domain.errors import Forbidden, NotFound
from domain.project import Project
from domain.user import INSTANCE, Instance
from domain.workspace import Member, member_of
from infra.log import EventLog


class Rights:
    """Says no by raising; NotFound is the same for what is absent and for what is somebody else's."""

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

    async def may_operate(self, user: UUID) -> None:
        """Raise Forbidden unless the user administers this installation."""
        state = await self._log.state(Instance, INSTANCE)
        if state is None or state.administrator_id != user:
            raise Forbidden("Only the administrator of this installation may.")
