"""The workspace list: one row per workspace, with its members and what they may do."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.event import Recorded, Unknown
from domain.workspace import MemberJoined, Role, WorkspaceCreated
from projections.page import answer, single
from projections.projection import Answer, Projection, Question


class WorkspaceRow(Struct, frozen=True):
    """A workspace as it is shown."""

    id: UUID
    name: str
    members: dict[UUID, Role]
    version: int
    created_at: datetime


def keys(recorded: Recorded) -> Iterable[UUID]:
    if recorded.workspace_id and (
        isinstance(recorded.event, WorkspaceCreated | MemberJoined) or _may_be_ours(recorded)
    ):
        yield recorded.workspace_id


def fold(key: UUID, workspace: WorkspaceRow | None, recorded: Recorded) -> WorkspaceRow | None:
    event = recorded.event
    if isinstance(event, WorkspaceCreated):
        return WorkspaceRow(key, event.name, {}, recorded.version, recorded.at)
    if workspace and isinstance(event, MemberJoined):
        return msgspec.structs.replace(workspace, members={**workspace.members, event.user_id: event.role})
    return workspace


def _may_be_ours(recorded: Recorded) -> bool:
    """An event that this code does not know, in the workspace's stream or on a guard stream, as members are."""
    is_near = recorded.stream == recorded.workspace_id or recorded.stream.version == 5  # noqa: PLR2004 - RFC 9562
    return isinstance(recorded.event, Unknown) and is_near


def scopes(workspace: WorkspaceRow) -> Iterable[UUID]:
    yield workspace.id
    yield from workspace.members


projection = Projection("workspace_list", 1, WorkspaceRow, keys, fold, scopes, indexes=("using gin (members)",))


def one(workspace: UUID) -> Question:
    """A single workspace."""
    sql = "select * from {workspace_list} where id = %(id)s"
    return Question(projection, workspace, "one", sql, {"id": workspace}, _one)


def of_user(user: UUID) -> Question:
    """The workspaces that a user is a member of, oldest first."""
    sql = "select * from {workspace_list} where members ? %(user)s order by created_at, id"
    return Question(projection, user, "list", sql, {"user": str(user)}, lambda rows: answer({"items": rows}))


OF_NAME = "select id from {workspace_list} where name = %s and members ? %s"
"""The ids of the workspaces of that name that a user is a member of."""


def _one(rows: list[WorkspaceRow]) -> Answer | None:
    return single(rows[0], rows[0].version, rows[0].id) if rows else None
