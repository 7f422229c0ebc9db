"""The workspace list: one row per workspace, with its members and their roles."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.event import OpaqueEvent, RecordedEvent, apply_changes
from domain.member import MemberJoined, MemberLeft, MemberRemoved, MemberRoleChanged, Role
from domain.workspace import (
    OwnerAppointed,
    OwnerResigned,
    WorkspaceCreated,
    WorkspacePurged,
    WorkspaceRenamed,
    WorkspaceRestored,
    WorkspaceTrashed,
    WorkspaceZoneSet,
)
from projections.pagination import TimeSortKey, encode_answer, encode_versioned_answer, list_id_for
from projections.projection import Projection
from projections.question import USER_ALONE, WORKSPACE_MEMBERS, Answer, Question, single_table_question

_MEMBER_EVENTS = (MemberJoined, MemberRoleChanged, MemberRemoved, MemberLeft)


class WorkspaceRow(Struct, frozen=True):
    """A workspace as clients see it."""

    id: UUID
    name: str
    members: dict[UUID, Role]
    version: int
    created_at: datetime
    updated_at: datetime
    trashed_at: datetime | None = None
    zone: str | None = None


def keys(recorded: RecordedEvent) -> Iterable[UUID]:
    is_ours = recorded.stream == recorded.workspace_id or isinstance(recorded.event, _MEMBER_EVENTS)
    if recorded.workspace_id and (is_ours or _may_be_member_event(recorded)):
        yield recorded.workspace_id


def fold(key: UUID, workspace: WorkspaceRow | None, recorded: RecordedEvent) -> WorkspaceRow | None:
    event, at = recorded.event, recorded.at
    if isinstance(event, WorkspaceCreated):
        return WorkspaceRow(key, event.name, {}, recorded.version, at, at)
    if workspace is None:
        return None
    match event:
        case MemberJoined(user_id=user, role=role):
            return _with_role(workspace, user, role)
        case MemberRoleChanged() | MemberRemoved() | MemberLeft():
            return _with_role(workspace, event.user_id, event.role.new)
        case WorkspacePurged():
            return None
        case WorkspaceTrashed() | WorkspaceRestored():
            trashed_at = at if isinstance(event, WorkspaceTrashed) else None
            workspace = msgspec.structs.replace(workspace, trashed_at=trashed_at)
    return (
        apply_changes(workspace, event, version=recorded.version, updated_at=at)
        if recorded.stream == key
        else workspace
    )


def _with_role(workspace: WorkspaceRow, user: UUID, role: Role | None) -> WorkspaceRow:
    """The workspace with this role for the user; None removes the user."""
    others = {each: of for each, of in workspace.members.items() if each != user}
    return msgspec.structs.replace(workspace, members={**others, user: role} if role else others)


def _may_be_member_event(recorded: RecordedEvent) -> bool:
    """Whether the event type is unknown and the stream a guard stream, as the streams of members are."""
    return isinstance(recorded.event, OpaqueEvent) and recorded.stream.version == 5  # noqa: PLR2004 - RFC 9562


def scopes(workspace: WorkspaceRow) -> Iterable[UUID]:
    yield workspace.id
    yield from workspace.members


projection = Projection(
    "workspace_list",
    4,
    WorkspaceRow,
    keys,
    fold,
    scopes,
    golden_lines=110,
    indexes=("using gin (members)",),
    event_types=(
        *(WorkspaceCreated, WorkspaceRenamed, WorkspaceZoneSet, WorkspaceTrashed, WorkspaceRestored, WorkspacePurged),
        *(OwnerAppointed, OwnerResigned, *_MEMBER_EVENTS, OpaqueEvent),
    ),
)


def by_id(workspace: UUID) -> Question:
    """A single workspace."""
    sql = "select * from {workspace_list} where id = %(id)s"
    return single_table_question(projection, WORKSPACE_MEMBERS, workspace, "one", sql, {"id": workspace}, _item_answer)


def members(workspace: UUID) -> Question:
    """The role of each member of a workspace, by user."""
    sql = "select * from {workspace_list} where id = %(id)s"
    parameters: dict[str, object] = {"id": workspace}
    return single_table_question(
        projection,
        WORKSPACE_MEMBERS,
        workspace,
        "members",
        sql,
        parameters,
        lambda rows: encode_answer(_member_roles(rows)),
    )


def for_user(user: UUID) -> Question:
    """The workspaces that a user is a member of, oldest first; one left a moment ago may still be included."""
    sql = "select * from {workspace_list} where members ? %(user)s order by created_at, id"
    return single_table_question(
        projection, USER_ALONE, user, "list", sql, {"user": str(user)}, lambda rows: encode_answer({"items": rows})
    )


def page(user: UUID, after: TimeSortKey, max_rows: int, *, trashed: bool = False) -> Question:
    """At most `max_rows` of these after a sort key, in the trash or not; the caller drops what the user has left."""
    sql = """select * from {workspace_list} where members ? %(user)s and (trashed_at is not null) = %(trashed)s
             and (created_at, id) > (%(created_at)s, %(id)s)
             order by created_at, id limit %(rows)s"""
    parameters: dict[str, object] = {
        "user": str(user),
        "created_at": after.created_at,
        "id": after.id,
        "rows": max_rows,
        "trashed": trashed,
    }
    return single_table_question(
        projection, USER_ALONE, user, "page", sql, parameters, lambda rows: encode_answer({"items": rows})
    )


def user_list_id(user: UUID, *, trashed: bool = False) -> UUID:
    """The id of a user's list, which its cursors carry."""
    return list_id_for(user, "workspaces", {"trashed": True} if trashed else {})


def sort_key(workspace: WorkspaceRow) -> TimeSortKey:
    return TimeSortKey(workspace.created_at, workspace.id)


MEMBERS_SQL = "select members from {workspace_list} where id = %s"
"""The role of each member of a workspace, by user."""
IDS_BY_NAME_FOR_MEMBER_SQL = "select id from {workspace_list} where name = %s and members ? %s"
"""The ids of the workspaces with that name that a user is a member of."""


def _member_roles(rows: list[WorkspaceRow]) -> dict[UUID, Role]:
    return rows[0].members if rows else {}


def _item_answer(rows: list[WorkspaceRow]) -> Answer | None:
    return encode_versioned_answer(rows[0], rows[0].version, rows[0].id) if rows else None
