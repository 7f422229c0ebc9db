"""A version conflict over HTTP: the refusal with its intervening events and the present state as clients see them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from api.http import history_items
from domain import codec
from domain.errors import VersionConflict
from domain.event import RecordedEvent, State
from infra.log.event_log import EventLog

_INTERNAL_FIELDS = {"removed", "purged", "completed_from", "next", "former_names"}


async def rendered_conflict(log: EventLog, stream: UUID, conflict: VersionConflict) -> VersionConflict:
    """The same refusal with the names of actors and the changed fields of each intervening event."""
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
    return VersionConflict(str(conflict), **{**conflict.params, "intervening_events": events, "current": current})


def _public_state(state: State) -> dict[str, Any]:
    """The current state, without fields that only rules use."""
    return {name: value for name, value in msgspec.structs.asdict(state).items() if name not in _INTERNAL_FIELDS}
