"""Rights: who may read what, and who administers this installation, asked of the log as it is now."""

from uuid import UUID

from commands.rights import TABLE, has_role
from domain.errors import Forbidden, NotFound, Purged
from domain.member import Member, member_of
from domain.project import Project
from domain.user import INSTANCE, Instance
from infra.log import EventLog


class Rights:
    """Says no by raising; NotFound is the same for what is absent and for what is somebody else's."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def may(self, operation: str, user: UUID, workspace: UUID) -> None:
        """Raise NotFound unless the user is a member of the workspace, Forbidden unless their role goes so far."""
        member = await self._log.state(Member, member_of(workspace, user))
        if member is None:
            raise NotFound
        needed = TABLE[operation].role
        if needed and not has_role(member.role, needed):
            raise Forbidden(needed=needed)

    async def may_see(self, user: UUID, workspace: UUID) -> None:
        """Raise NotFound unless the user is a member of the workspace."""
        await self.may("See", user, workspace)

    async def may_see_project(self, user: UUID, project: UUID) -> None:
        """Raise NotFound unless the project exists and the user is a member of its workspace; Purged if it is gone."""
        state = await self._log.state(Project, project)
        if state is None:
            raise NotFound
        await self.may_see(user, state.workspace_id)
        if state.purged:
            raise Purged

    async def may_operate(self, user: UUID) -> None:
        """Raise Forbidden unless the user administers this installation."""
        state = await self._log.state(Instance, INSTANCE)
        if state is None or state.administrator_id != user:
            raise Forbidden("Only the administrator of this installation may.")
