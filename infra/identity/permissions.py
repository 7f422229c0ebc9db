"""Permissions: which users may read what, and who administers this installation, by the current log.

A permission is cached until it is revoked: the process that revokes it informs all others before it acknowledges the
command (`infra.identity.permission_revocations`).
"""

import contextlib
import time
from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias, cast
from uuid import UUID

import psycopg
from msgspec import Struct

from commands.handling.loader import StateKey
from commands.handling.stream_cache import StreamState
from commands.permissions import REQUIRED_PERMISSIONS, is_role_at_least
from domain.errors import Forbidden, NotFound, Purged, UnknownEvent
from domain.event import State
from domain.instance import INSTANCE_STREAM_ID, Instance
from domain.member import Member, member_stream_id
from domain.project import Project
from domain.workspace import Workspace
from infra import time_budget
from infra.database.pool import Pool, run_with_timeout
from infra.log.event_log import EventLog
from infra.messaging.subscription import Subscription
from infra.reading.memory_cache import MemoryCache
from projections.question import Answer, Question

PERMISSION_TTL_S = 10.0
"""How long a cached permission is used without another check, while PostgreSQL answers."""
_MAX_CACHE_BYTES, _ENTRY_BYTES = 16 * 2**20, 1_500

Permission: TypeAlias = tuple[UUID, ...]
"""A user, and the workspace, the project, or both, that they may read."""


class _CachedPermission(Struct, frozen=True):
    """The workspace of a permission, and when the log last confirmed it (monotonic)."""

    workspace_id: UUID
    checked_at: float


class Permissions:
    """Checks that raise a refusal; NotFound is the same for what does not exist and for what another user owns."""

    def __init__(self, log: EventLog, pool: Pool, subscription: Subscription) -> None:
        self._log = log
        self._pool = pool
        self._subscription = subscription
        self._cache: MemoryCache[_CachedPermission] = MemoryCache(_MAX_CACHE_BYTES)
        self._administrator: UUID | None = None
        subscription.on_gap(self._cache.invalidate_all)

    def revoke(self, streams: Iterable[UUID]) -> None:
        """Invalidate all permissions that depend on these memberships and projects."""
        for stream in streams:
            self._cache.invalidate(stream)

    def are_held(self, permissions: Collection[Permission]) -> bool:
        """Whether all of these are cached and current, so that the log need not be read."""
        return self._subscription.is_alive() and all(self._is_fresh(self._cache.get_fresh(one)) for one in permissions)

    async def require_permission(self, action: str, user: UUID, workspace: UUID) -> None:
        """Raise NotFound unless the user is a member of the workspace, Forbidden unless their role allows it."""
        keys: list[StateKey] = [(member_stream_id(workspace, user), Member), (workspace, Workspace)]
        known_member, known_workspace = await self._log.load_states(keys)
        member = cast("Member | None", known_member.states[Member])
        if member is None or _is_trashed(known_workspace):
            raise NotFound
        needed_role = REQUIRED_PERMISSIONS[action].role
        if needed_role and not is_role_at_least(member.role, needed_role):
            raise Forbidden(needed=needed_role)

    async def require_read(self, user: UUID, question: Question, answer: Answer | None = None) -> list[Permission]:
        """The permissions by which the user may read the answer; raises what `require_access` raises.

        Without the answer, checks what can be checked before it is known.
        """
        targets = question.audience.required_access(user, question.scopes, answer)
        return [await self.require_access(user, target.workspace_id, target.project_id) for target in targets]

    async def require_access(self, user: UUID, workspace: UUID | None, project: UUID | None = None) -> Permission:
        """Raise NotFound unless the user is a member of the workspace, Purged if the project in it was purged.

        Without a workspace, the project's own is meant; NotFound if there is no such project.
        """
        permission = tuple(filter(None, (user, workspace, project)))
        if workspace is None:
            cached = self._cache.get_stale(permission)
            workspace = cached.workspace_id if cached else await self._load_workspace_id(project)
        if not self._is_cached(permission):
            await self._check_access(permission, user, workspace, project)
        return permission

    async def memberships(self, user: UUID, workspaces: Iterable[UUID]) -> list[Permission]:
        """The permissions to read those of these workspaces that the user is a member of now, sorted by workspace."""
        workspace_ids, is_member = sorted(workspaces), dict[UUID, bool]()
        while unknown := [one for one in workspace_ids if one not in is_member and not self._is_cached((user, one))]:
            is_member |= await self._check_memberships(user, unknown)
        return [(user, one) for one in workspace_ids if is_member.get(one, True)]

    async def owned_in_trash(self, user: UUID, workspaces: Sequence[UUID]) -> set[UUID]:
        """Those of these workspaces that are in the trash, and that the user owns."""
        members = [member_stream_id(workspace, user) for workspace in workspaces]
        keys: list[StateKey] = [
            *((member, Member) for member in members),
            *((workspace, Workspace) for workspace in workspaces),
        ]
        loaded = await self._log.load_states(keys)
        states = zip(workspaces, loaded[: len(members)], loaded[len(members) :], strict=True)
        return {
            workspace
            for workspace, member, state in states
            if getattr(member.states[Member], "role", "") == "owner" and _is_restorable(state.states[Workspace])
        }

    async def require_operator(self, user: UUID) -> None:
        """Raise Forbidden unless the user administers this installation.

        While PostgreSQL is away the last known administrator counts: another cannot be named until it is back.
        """
        try:
            await self._load_administrator()
        except psycopg.OperationalError:
            if self._administrator is None:
                raise
        if self._administrator != user:
            raise Forbidden("Only the administrator of this installation may do this.")

    async def remember_administrator(self) -> None:
        """Load the administrator once, so that health can be asked for while PostgreSQL is away."""
        with contextlib.suppress(psycopg.Error):
            await self._load_administrator()

    async def _load_administrator(self) -> None:
        state = await self._log.load_state(Instance, INSTANCE_STREAM_ID)
        self._administrator = state.administrator_id if state else None

    async def _check_access(self, permission: Permission, user: UUID, workspace: UUID, project: UUID | None) -> None:
        """Check a permission against the log, and cache it.

        If PostgreSQL is lost meanwhile, a cached permission is enough: nothing can revoke it until PostgreSQL is back.
        """
        self._pool.circuit.check()
        member = member_stream_id(workspace, user)
        invalidation = self._cache.watch({member, workspace, *([project] if project else [])})
        try:
            await run_with_timeout(self._query_access(member, workspace, project), time_budget.READ_S)
            self._cache.set(permission, _CachedPermission(workspace, time.monotonic()), _ENTRY_BYTES, invalidation)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            if not self._is_cached(permission):
                raise
        finally:
            self._cache.unwatch(invalidation)

    def _is_cached(self, permission: Permission) -> bool:
        """Whether the permission is cached, and either recently checked or, while PostgreSQL is away, uncheckable."""
        cached = self._cache.get_fresh(permission) if self._subscription.is_alive() else None
        return cached is not None and (self._is_fresh(cached) or self._pool.circuit.is_open)

    @staticmethod
    def _is_fresh(cached: _CachedPermission | None) -> bool:
        return cached is not None and time.monotonic() < cached.checked_at + PERMISSION_TTL_S

    async def _load_workspace_id(self, project: UUID | None) -> UUID:
        """The workspace of a project, which never changes; raises NotFound if there is no such project."""
        self._pool.circuit.check()
        state = await self._log.load_state(Project, project) if project else None
        if state is None:
            raise NotFound
        return state.workspace_id

    async def _query_access(self, member: UUID, workspace: UUID, project: UUID | None) -> None:
        """Raise NotFound unless the member and the workspace exist, Purged if the project was purged; one query."""
        keys: list[StateKey] = [(member, Member), (workspace, Workspace), *([(project, Project)] if project else [])]
        try:
            loaded = await self._log.load_states(keys)
        except UnknownEvent:
            if project is None:
                raise
            loaded = await self._log.load_states(keys[:2])  # an event by newer code does not hide the project
        if loaded[0].states[Member] is None or _is_trashed(loaded[1]):
            raise NotFound
        project_state = cast("Project | None", loaded[2].states[Project]) if len(loaded) > 2 else None  # noqa: PLR2004 - with a project
        if project_state is not None and project_state.purged:
            raise Purged

    async def _check_memberships(self, user: UUID, workspaces: Sequence[UUID]) -> dict[UUID, bool]:
        """Whether the user is a member of each workspace; one query."""
        self._pool.circuit.check()
        members = [member_stream_id(workspace, user) for workspace in workspaces]
        invalidations = [self._cache.watch(set(both)) for both in zip(members, workspaces, strict=True)]
        try:
            loaded = await self._log.load_states(
                [*((member, Member) for member in members), *((workspace, Workspace) for workspace in workspaces)]
            )
            pairs = zip(loaded[: len(members)], loaded[len(members) :], strict=True)
            are_visible = [bool(member.states[Member]) and not _is_trashed(workspace) for member, workspace in pairs]
            for workspace, invalidation, is_visible in zip(workspaces, invalidations, are_visible, strict=True):
                if is_visible:
                    self._cache.set(
                        (user, workspace), _CachedPermission(workspace, time.monotonic()), _ENTRY_BYTES, invalidation
                    )
        finally:
            for invalidation in invalidations:
                self._cache.unwatch(invalidation)
        return dict(zip(workspaces, are_visible, strict=True))


def _is_trashed(known: StreamState) -> bool:
    """Whether a loaded workspace is in the trash."""
    return bool(getattr(known.states[Workspace], "trashed", False))


def _is_restorable(state: State | None) -> bool:
    return isinstance(state, Workspace) and state.trashed and not state.purged
