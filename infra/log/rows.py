"""A row of the log, as it is selected and as what was recorded."""

from collections.abc import Callable
from typing import Any

from domain import codec
from domain.errors import UnknownEvent
from domain.event import Actor, Event, Recorded, Trace

COLUMNS = """select notification_id, originator_id, originator_version, topic, state, actor_id, actor_kind,
    on_behalf_of, command_id, workspace_id, at, recorded_at, correlation_id, causation_id from log.events"""
STREAM = f"""{COLUMNS} where originator_id = %s and originator_version between %s and %s
    order by originator_version"""
NO_END = 2**63 - 1
"""Later than any version."""
TYPES = ["int8", "uuid", "int8", "text", "bytea", "uuid", "text", "uuid", "uuid", "uuid", "timestamptz", "timestamptz"]
TYPES += ["uuid", "text"]


def recorded(row: tuple[Any, ...]) -> Recorded:
    """What a row says, to decide on; raises UnknownEvent, with the stream that it stands in."""
    try:
        return _recorded(row, codec.decode)
    except UnknownEvent as error:
        raise UnknownEvent(row[3], row[1]) from error


def seen(row: tuple[Any, ...]) -> Recorded:
    """What a row says, to look at; its event may be Unknown."""
    return _recorded(row, codec.read)


def _recorded(row: tuple[Any, ...], read: Callable[[str, bytes], Event]) -> Recorded:
    position, stream, version, topic, state, actor, kind, behalf, command, workspace, at, stamp, trace, cause = row
    event, who, origin = read(topic, state), Actor(actor, kind, behalf), Trace(trace, cause)
    return Recorded(position, stream, version, event, who, command, workspace, at, stamp, origin)
