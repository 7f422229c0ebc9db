"""Rights: who may read what, and who administers this installation, by the log as it is now.

What was found out is remembered for as long as nothing about it changes; that is said by whoever changes it, before it
is acknowledged (`infra.identity.permission_revocations`).
"""

import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from typing import Any, TypeAlias, cast
from uuid import UUID

import psycopg
from msgspec import Struct

from commands.permissions import TABLE, has_role
from domain.errors import Forbidden, NotFound, Purged, UnknownEvent
from domain.member import Member, member_of
from domain.project import Project
from domain.user import INSTANCE, Instance
from infra.database.pool import Away, Pool, in_time
from infra.log import EventLog
from infra.messaging.subscription import Channel
from infra.reading.memory_cache import Hot
from projections.projection import Answer, Question

KEPT_S = 10.0
"""How long a right is believed without asking again, while the log answers."""
LONGEST_S = 2.0
"""How long anybody waits for an answer about a right."""
_BYTES, _SIZE = 16 * 2**20, 1_500

Right: TypeAlias = tuple[UUID, ...]
"""A user, and the workspace, project, or both, that they may see."""


_Ask: TypeAlias = Callable[[], Coroutine[Any, Any, UUID]]


class _Seen(Struct, frozen=True):
    """A right that there was at a time (monotonic), and the workspace that it is about."""

    workspace: UUID
    at: float


class Rights:
    """Says no by raising; NotFound is the same for what is absent and for what is somebody else's."""

    def __init__(self, log: EventLog, pool: Pool, channel: Channel) -> None:
        self._log = log
        self._pool = pool
        self._channel = channel
        self._seen: Hot[_Seen] = Hot(_BYTES)
        channel.on_gap(self._seen.doubt_all)

    def end(self, streams: Iterable[UUID]) -> None:
        """Believe nothing any more of these memberships and projects."""
        for stream in streams:
            self._seen.doubt(stream)

    def hold(self, rights: Collection[Right]) -> bool:
        """Whether there are all of these still, as far as this process knows without asking."""
        return self._channel.is_alive() and all(self._is_fresh(self._seen.sure(right)) for right in rights)

    async def may(self, operation: str, user: UUID, workspace: UUID) -> None:
        """Raise NotFound unless the user is a member of the workspace, Forbidden unless their role goes so far."""
        member = await self._log.state(Member, member_of(workspace, user))
        if member is None:
            raise NotFound
        needed = TABLE[operation].role
        if needed and not has_role(member.role, needed):
            raise Forbidden(needed=needed)

    async def may_see(self, user: UUID, workspace: UUID, project: UUID | None = None) -> Right:
        """Raise NotFound unless the user is a member of the workspace, Purged where that project in it is gone."""
        right = (user, workspace, project) if project else (user, workspace)
        topics = {member_of(workspace, user), *right[2:]}
        await self._known(right, topics, lambda: self._asked(user, workspace, project))
        return right

    async def may_read(self, user: UUID, question: Question, answer: Answer | None = None) -> list[Right]:
        """Raise NotFound unless the user may have the answer, Purged where it is of a project that is gone.

        Answers the rights by which they may. Without the answer, this says as much as can be said before.
        """
        match question.audience:
            case "workspace" | "workspaces":
                return [await self.may_see(user, workspace) for workspace in question.scopes]
            case "project":
                return [await self.may_see_project(user, question.scopes[0])]
            case "one" if answer and answer.workspace_id:
                return [await self.may_see(user, answer.workspace_id, answer.project_id)]
            case "user" if user not in question.scopes:
                raise NotFound
        return []

    async def may_see_project(self, user: UUID, project: UUID) -> Right:
        """Raise NotFound unless the project exists and the user is a member of its workspace; Purged if it is gone."""
        known = self._seen.last((user, project))
        workspace = known.workspace if known else await self._workspace(project)
        right = user, project
        await self._known(right, {member_of(workspace, user), project}, lambda: self._asked(user, workspace, project))
        return right

    async def memberships(self, user: UUID, workspaces: Iterable[UUID]) -> list[Right]:
        """The rights to see those of these workspaces that the user is a member of now, in the order of their ids."""
        wanted, answered = sorted(workspaces), dict[UUID, bool]()
        while unknown := [one for one in wanted if one not in answered and not self._believed((user, one))]:
            answered |= await self._asked_all(user, unknown)
        return [(user, one) for one in wanted if answered.get(one, True)]

    async def may_operate(self, user: UUID) -> None:
        """Raise Forbidden unless the user administers this installation."""
        state = await self._log.state(Instance, INSTANCE)
        if state is None or state.administrator_id != user:
            raise Forbidden("Only the administrator of this installation may.")

    async def _known(self, right: Right, topics: Collection[UUID], ask: _Ask) -> None:
        """Ask unless it is remembered. While PostgreSQL is away nothing can end it, and all that did was heard."""
        if self._believed(right):
            return
        if self._pool.is_silent:
            raise Away
        watch = self._seen.watch(topics)
        try:
            self._seen.keep(right, _Seen(await in_time(ask(), LONGEST_S), time.monotonic()), _SIZE, watch)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            if not self._believed(right):
                raise
        finally:
            self._seen.unwatch(watch)

    def _believed(self, right: Right) -> bool:
        """Whether there is no need to ask, or nobody to ask."""
        known = self._seen.sure(right) if self._channel.is_alive() else None
        return known is not None and (self._is_fresh(known) or self._pool.is_silent)

    @staticmethod
    def _is_fresh(seen: _Seen | None) -> bool:
        return seen is not None and time.monotonic() < seen.at + KEPT_S

    async def _workspace(self, project: UUID) -> UUID:
        """The one that a project is in for ever; raises NotFound where there is no such project."""
        if self._pool.is_silent:
            raise Away
        state = await self._log.state(Project, project)
        if state is None:
            raise NotFound
        return state.workspace_id

    async def _asked(self, user: UUID, workspace: UUID, project: UUID | None) -> UUID:
        """The workspace, of which the user is a member, and in which the project is not gone; one question."""
        member, is_gone = await self._found(member_of(workspace, user), project)
        if member is None:
            raise NotFound
        if is_gone:
            raise Purged
        return workspace

    async def _asked_all(self, user: UUID, workspaces: Sequence[UUID]) -> dict[UUID, bool]:
        """Whether the user is a member of each, with one question."""
        if self._pool.is_silent:
            raise Away
        members = [member_of(workspace, user) for workspace in workspaces]
        watches = [self._seen.watch({member}) for member in members]
        try:
            found = await self._log.known([(member, Member) for member in members])
            for workspace, watch, known in zip(workspaces, watches, found, strict=True):
                if known.states[Member]:
                    self._seen.keep((user, workspace), _Seen(workspace, time.monotonic()), _SIZE, watch)
        finally:
            for watch in watches:
                self._seen.unwatch(watch)
        return {one: known.states[Member] is not None for one, known in zip(workspaces, found, strict=True)}

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
