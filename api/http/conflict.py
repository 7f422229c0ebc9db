"""A lost race over HTTP: 409 or 412, with what happened in between."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from api.http import history_items
from api.http.problems import DetailedConflict
from domain import codec
from domain.errors import VersionConflict
from domain.event import RecordedEvent, State
from infra.log import EventLog

_INTERNAL_FIELDS = {"removed", "purged"}


async def detailed_conflict(
    log: EventLog, stream: UUID, conflict: VersionConflict, *, by_if_match: bool
) -> DetailedConflict:
    """The answer for the loser: 412 where `If-Match` named the version, else 409."""
    intervening: Sequence[RecordedEvent] = conflict.params["intervening_events"]
    names = await history_items.load_names(log, {recorded.actor for recorded in intervening})
    events = [
        {
            "version": recorded.version,
            "type": codec.stored_name_of(recorded.event),
            "actor": history_items.actor_info(recorded.actor, names),
            "at": recorded.at,
            "fields": list(history_items.field_changes(recorded)),
        }
        for recorded in intervening
    ]
    version, state = conflict.params["current_version"], conflict.params["current"]
    current = {"id": stream, "version": version, **_public_state(state)} if state else None
    return DetailedConflict(
        conflict, 412 if by_if_match else 409, {**conflict.params, "intervening_events": events, "current": current}
    )


def _public_state(state: State) -> dict[str, Any]:
    """The present state, without what only the rules ask for."""
    return {name: value for name, value in msgspec.structs.asdict(state).items() if name not in _INTERNAL_FIELDS}
