"""Rights: who may read what, and who administers this installation, asked of the log as it is now."""

from collections.abc import Iterable
from typing import cast
from uuid import UUID

from commands.rights import TABLE, has_role
from domain.errors import Forbidden, NotFound, Purged, UnknownEvent
from domain.member import Member, member_of
from domain.project import Project
from domain.user import INSTANCE, Instance
from infra.log import EventLog
from projections.projection import Answer, Question


class Rights:
    """Says no by raising; NotFound is the same for what is absent and for what is somebody else's."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def may(self, operation: str, user: UUID, workspace: UUID, project: UUID | None = None) -> None:
        """Raise NotFound unless the user is a member of the workspace, Forbidden unless their role goes so far.

        Raise Purged where what they ask for is in a project that is gone.
        """
        member, is_gone = await self._found(member_of(workspace, user), project)
        if member is None:
            raise NotFound
        needed = TABLE[operation].role
        if needed and not has_role(member.role, needed):
            raise Forbidden(needed=needed)
        if is_gone:
            raise Purged

    async def may_see(self, user: UUID, workspace: UUID, project: UUID | None = None) -> None:
        """Raise NotFound unless the user is a member of the workspace, Purged where that project in it is gone."""
        await self.may("See", user, workspace, project)

    async def may_read(self, user: UUID, question: Question, answer: Answer | None = None) -> None:
        """Raise NotFound unless the user may have the answer, Purged where it is of a project that is gone.

        Without the answer, this says as much as can be said before.
        """
        match question.of:
            case "workspace" | "workspaces":
                for workspace in question.scopes:
                    await self.may_see(user, workspace)
            case "project":
                await self.may_see_project(user, question.scopes[0])
            case "one" if answer and answer.workspace_id:
                await self.may_see(user, answer.workspace_id, answer.project_id)
            case "user" if user not in question.scopes:
                raise NotFound

    async def may_see_project(self, user: UUID, project: UUID) -> None:
        """Raise NotFound unless the project exists and the user is a member of its workspace; Purged if it is gone."""
        state = await self._log.state(Project, project)
        if state is None:
            raise NotFound
        await self.may_see(user, state.workspace_id)
        if state.purged:
            raise Purged

    async def memberships(self, user: UUID, workspaces: Iterable[UUID]) -> set[UUID]:
        """Those of these workspaces that the user is a member of now."""
        asked = list(workspaces)
        found = await self._log.known([(member_of(workspace, user), Member) for workspace in asked])
        return {workspace for workspace, known in zip(asked, found, strict=True) if known.states[Member]}

    async def may_operate(self, user: UUID) -> None:
        """Raise Forbidden unless the user administers this installation."""
        state = await self._log.state(Instance, INSTANCE)
        if state is None or state.administrator_id != user:
            raise Forbidden("Only the administrator of this installation may.")

    async def _found(self, member: UUID, project: UUID | None) -> tuple[Member | None, bool]:
        """A member, and whether a project is gone, with one question."""
        if project is None:
            return await self._log.state(Member, member), False
        try:
            here, there = await self._log.known([(member, Member), (project, Project)])
        except UnknownEvent:  # what newer code wrote of the project is no reason not to show what is in it
            return await self._found(member, None)
        state = cast("Project | None", there.states[Project])
        return cast("Member | None", here.states[Member]), state is not None and state.purged
