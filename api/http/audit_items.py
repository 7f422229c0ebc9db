"""Audit items: recorded events about access as owners and administrators see them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from api.http.history_items import ActorInfo, actor_info, load_names
from domain import codec
from domain.event import Actor, RecordedEvent
from infra.log.event_log import EventLog
from projections.audit import user_of

ADDRESS_FIELDS: Final = frozenset({"email"})
"""What no audit shows."""
CLIENT_FIELDS: Final = frozenset({"user_agent", "network"})
"""What is shown to the administrator of the installation only."""
_SHOWN_ELSEWHERE: Final = frozenset({"user_id", "workspace_id"})


class AuditUser(Struct, frozen=True):
    """A user, with their name."""

    id: UUID
    name: str | None


class AuditItem(Struct, frozen=True):
    """One event of an audit: `user` is whom it is about, `details` what it says, a change as its old and new value."""

    position: int
    type: str
    at: datetime
    actor: ActorInfo
    user: AuditUser | None
    workspace_id: UUID | None
    command_id: UUID
    details: dict[str, Any]


async def load_audit_items(
    log: EventLog, events: Sequence[RecordedEvent], hidden_fields: Collection[str]
) -> list[AuditItem]:
    """Recorded events as audit items, in the same order."""
    users = {user for recorded in events if (user := user_of(recorded))}
    names = await load_names(log, {recorded.actor for recorded in events} | {Actor(user) for user in users})
    return [
        AuditItem(
            recorded.position,
            codec.stored_name_of(recorded.event),
            recorded.at,
            actor_info(recorded.actor, names),
            AuditUser(user, names.get(user)) if (user := user_of(recorded)) else None,
            recorded.workspace_id,
            recorded.command_id,
            {
                name: value
                for name, value in msgspec.structs.asdict(recorded.event).items()
                if name not in _SHOWN_ELSEWHERE and name not in hidden_fields
            },
        )
        for recorded in events
    ]
