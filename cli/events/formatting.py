"""Formats an event as one line: text for people, JSON for programs."""

from typing import Any

import msgspec

from domain import codec
from domain.event import Event, OpaqueEvent, RecordedEvent
from infra.terminal_text import escape


def format_as_text(recorded: RecordedEvent) -> str:
    """Position, time, stream and version, actor, then the event's name and fields."""
    fields_json = msgspec.json.encode(_event_fields(recorded.event)).decode()
    return escape(
        f"{recorded.position:>8}  {recorded.at:%Y-%m-%d %H:%M:%S}  {recorded.stream} v{recorded.version}"
        f"  by {recorded.actor.kind} {recorded.actor.id}  {codec.stored_name_of(recorded.event)} {fields_json}"
    )


def format_as_json(recorded: RecordedEvent) -> str:
    """One JSON object with everything the log stores about the event; its name is in `type`."""
    members = {
        "type": codec.stored_name_of(recorded.event),
        **msgspec.structs.asdict(recorded),
        "event": _event_fields(recorded.event),
    }
    return escape(msgspec.json.encode(members).decode())


def _event_fields(event: Event) -> dict[str, Any]:
    """The fields, or the stored data if this version does not know the event."""
    if not isinstance(event, OpaqueEvent):
        fields: dict[str, Any] = msgspec.to_builtins(event)
    else:
        try:
            fields = msgspec.json.decode(event.data, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            fields = {"stored": event.data}
    return {name: value for name, value in fields.items() if name != "type"}
