"""A version conflict over HTTP: the refusal with its intervening events and the present state as clients see them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from api.http import history_items
from api.http.custom_field_names import load_names_in
from domain import codec
from domain.errors import VersionConflict
from domain.event import RecordedEvent, State
from domain.field_names import FieldNames
from domain.task import Task
from infra.log.event_log import EventLog

_INTERNAL_FIELDS = {
    "removed",
    "purged",
    "completed_from",
    "trashed_with",
    "archived_with",
    "next",
    "former_names",
    "former_fields",
    "former_options",
}


async def rendered_conflict(log: EventLog, stream: UUID, conflict: VersionConflict) -> VersionConflict:
    """The same refusal with the names of actors and the changed fields of each intervening event."""
    intervening: Sequence[RecordedEvent] = conflict.params["intervening_events"]
    names = await history_items.load_names(log, {recorded.actor for recorded in intervening})
    version, state = conflict.params["current_version"], conflict.params["current"]
    field_names = await load_names_in(log, {state.project_id} if isinstance(state, Task) else set())
    events = [
        {
            "version": recorded.version,
            "type": codec.stored_name_of(recorded.event),
            "actor": history_items.actor_info(recorded.actor, names),
            "at": recorded.at,
            "fields": list(history_items.field_changes(recorded, field_names)),
        }
        for recorded in intervening
    ]
    shown = {
        "conflicting_fields": [field_names.of_member(name) for name in conflict.params["conflicting_fields"]],
        "intervening_events": events,
        "current": {"id": stream, "version": version, **_public_state(state, field_names)} if state else None,
    }
    return VersionConflict(str(conflict), **{**conflict.params, **shown})


def _public_state(state: State, field_names: FieldNames) -> dict[str, Any]:
    """The current state, without fields that only rules use."""
    public = {name: value for name, value in msgspec.structs.asdict(state).items() if name not in _INTERNAL_FIELDS}
    return public | {"fields": field_names.of_values(state.fields)} if isinstance(state, Task) else public
