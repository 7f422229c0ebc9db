"""Rows of the log: the columns to select, and how a row is decoded into a RecordedEvent."""

from collections.abc import Callable
from typing import Any

from domain import codec
from domain.errors import UnknownEvent
from domain.event import UNTRACED, Actor, Event, RecordedEvent, Trace

EVENT_COLUMNS = """notification_id, originator_id, originator_version, topic, state, actor_id, actor_kind,
    on_behalf_of, command_id, workspace_id, at, recorded_at, correlation_id, causation_id"""
SELECT_EVENTS = f"select {EVENT_COLUMNS} from log.events"  # noqa: S608 - our own text
SELECT_STREAM = f"""{SELECT_EVENTS} where originator_id = %s and originator_version between %s and %s
    order by originator_version"""
MAX_VERSION = 2**63 - 1
"""The largest bigint: at least as large as any version."""
COLUMN_TYPES = [
    "int8",
    "uuid",
    "int8",
    "text",
    "bytea",
    "uuid",
    "text",
    "uuid",
    "uuid",
    "uuid",
    "timestamptz",
    "timestamptz",
]
COLUMN_TYPES += ["uuid", "text"]


def decode_row(row: tuple[Any, ...]) -> RecordedEvent:
    """Decode a row for a decision; raises UnknownEvent, which names the event's stream."""
    try:
        return _build_recorded(row, codec.decode)
    except UnknownEvent as error:
        raise UnknownEvent(row[3], row[1]) from error


def decode_row_or_unknown(row: tuple[Any, ...]) -> RecordedEvent:
    """Decode a row for reading; an event type that this code does not know becomes Unknown."""
    return _build_recorded(row, codec.decode_or_opaque)


def _build_recorded(row: tuple[Any, ...], decode_event: Callable[[str, bytes], Event]) -> RecordedEvent:
    position, stream, version, topic, state, actor, kind, behalf, command, workspace, at, stamp, trace, cause = row
    event, recorded_actor = decode_event(topic, state), Actor(actor, kind, behalf)
    recorded_trace = UNTRACED if trace is None and cause is None else Trace(trace, cause)
    return RecordedEvent(
        position, stream, version, event, recorded_actor, command, workspace, at, stamp, recorded_trace
    )
