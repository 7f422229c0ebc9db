"""The audit: one row for each event about access, with what it is found by. The log has its content."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from domain import codec
from domain.access import ACCESS_EVENTS, SignedIn, SignedOut, SignInRefused
from domain.event import ActorKind, Event, OpaqueEvent, RecordedEvent
from domain.history import HistoryFilter
from domain.instance import INSTANCE_STREAM_ID, AdministratorAppointed
from domain.invitation import InvitationAccepted, InvitationRevoked, MemberInvited
from domain.member import MemberJoined, MemberLeft, MemberRemoved, MemberRoleChanged
from domain.projection import EventSkipped
from domain.user import AccountDeleted, EmailChanged, PasswordChanged, TokenIssued, TokenRevoked, UserRegistered
from projections.pagination import PageCursor, encode_answer, list_id_for
from projections.projection import Projection, key_by_position
from projections.question import INSTANCE_ADMINISTRATOR, WORKSPACE_OWNERS, Answer, Audience, Query, Question

_OF_OWN_STREAM: Final = (UserRegistered, PasswordChanged, EmailChanged, AccountDeleted, TokenIssued, TokenRevoked)
"""Events on the stream of the user whom they are about."""
_MEMBERSHIP_EVENTS: Final = (MemberJoined, MemberRemoved, MemberLeft)
AUDITED_EVENTS: Final[tuple[type[Event], ...]] = (
    *sorted(ACCESS_EVENTS, key=codec.stored_name_of),
    *_OF_OWN_STREAM,
    *_MEMBERSHIP_EVENTS,
    MemberRoleChanged,
    MemberInvited,
    InvitationAccepted,
    InvitationRevoked,
    AdministratorAppointed,
    EventSkipped,
)
SHOWN_TO_OWNERS: Final[tuple[type[Event], ...]] = (SignedIn, SignedOut, SignInRefused, TokenIssued, TokenRevoked)
"""What the owners of a workspace see of its members beside the events of the workspace."""


class AuditRow(Struct, frozen=True):
    """What an event is found by; `id` is its position, and `user_id` the user whom it is about."""

    id: int
    workspace_id: UUID | None
    user_id: UUID | None
    at: datetime
    actor_id: UUID
    actor_kind: ActorKind
    type: str


def fold(key: int, _: AuditRow | None, recorded: RecordedEvent) -> AuditRow | None:
    """A row for each audited event."""
    event, actor = recorded.event, recorded.actor
    if type(event) not in AUDITED_EVENTS:
        return None
    return AuditRow(
        key,
        recorded.workspace_id,
        user_of(recorded),
        recorded.at,
        actor.id,
        actor.kind,
        codec.stored_name_of(event),
    )


def user_of(recorded: RecordedEvent) -> UUID | None:
    """The user whom an audited event is about, if it is about one."""
    if isinstance(recorded.event, _OF_OWN_STREAM):
        return recorded.stream
    return getattr(recorded.event, "user_id", None)


def scopes(_: AuditRow) -> Iterable[UUID]:
    """One for all: who is a member where decides what else is seen."""
    yield INSTANCE_STREAM_ID


projection = Projection(
    "audit",
    1,
    AuditRow,
    key_by_position,
    fold,
    scopes,
    golden_lines=212,
    indexes=("(workspace_id, id)", "(user_id, id)", "(actor_id, id)", "using brin (at)"),
    accepts_unknown=True,
    event_types=(*AUDITED_EVENTS, OpaqueEvent),
)

_FILTER_CONDITIONS: Final = {
    "actor": "own.actor_id = %(actor)s",
    "kind": "own.actor_kind = %(kind)s",
    "type": "own.type = %(type)s",
    "since": "own.at >= %(since)s",
    "until": "own.at < %(until)s",
}
_ALL_SQL: Final = "select own.id from {{audit}} own where {wanted} order by own.id desc limit %(rows)s"
_OF_WORKSPACE_SQL: Final = """select id from (
      (select own.id from {{audit}} own where own.workspace_id = %(workspace)s and {wanted}
        order by own.id desc limit %(rows)s)
      union all
      (select seen.id from (
          select distinct on (user_id) user_id, id, type from {{audit}}
          where workspace_id = %(workspace)s and type = any(%(membership)s::text[]) order by user_id, id desc
        ) as member cross join lateral (
          select own.id from {{audit}} own
          where own.user_id = member.user_id and own.id > member.id and own.type = any(%(shown)s::text[]) and {wanted}
          order by own.id desc limit %(rows)s
        ) as seen where member.type = 'MemberJoined' order by seen.id desc limit %(rows)s)
    ) as found order by id desc limit %(rows)s"""
"""The events of a workspace, and those about its present members since they joined."""


def list_id(workspace_id: UUID | None, filters: HistoryFilter) -> UUID:
    """The id of the audit of a workspace, or of the installation, which cursors carry."""
    return list_id_for(workspace_id or INSTANCE_STREAM_ID, "audit", filters.conditions())


def page(workspace_id: UUID | None, filters: HistoryFilter, limit: int, cursor: str | None) -> Question:
    """The positions of the events of an audit, newest first, and of one more than `limit` if there are more.

    Without a workspace, of the whole installation. Raises BadCursor, or CursorMismatch.
    """
    before = PageCursor.parse_number(cursor, list_id(workspace_id, filters))
    conditions = [_FILTER_CONDITIONS[name] for name in filters.conditions()]
    if before:
        conditions.append("own.id < %(before)s")
    sql = (_OF_WORKSPACE_SQL if workspace_id else _ALL_SQL).format(wanted=" and ".join(conditions) or "true")
    parameters: dict[str, object] = {**filters.conditions(), "before": before, "rows": limit + 1}
    if workspace_id is None:
        return _question(INSTANCE_ADMINISTRATOR, (INSTANCE_STREAM_ID,), sql, parameters)
    parameters |= {
        "workspace": workspace_id,
        "membership": [codec.stored_name_of(kind) for kind in _MEMBERSHIP_EVENTS],
        "shown": [codec.stored_name_of(kind) for kind in SHOWN_TO_OWNERS],
    }
    return _question(WORKSPACE_OWNERS, (workspace_id, INSTANCE_STREAM_ID), sql, parameters)


class _Position(Struct, frozen=True):
    id: int


def _question(audience: Audience, scopes_read: tuple[UUID, ...], sql: str, parameters: dict[str, object]) -> Question:
    return Question((projection,), audience, scopes_read, "audit", (Query(sql, _Position),), parameters, _answer)


def _answer(rows: list[_Position]) -> Answer:
    return encode_answer([row.id for row in rows])
