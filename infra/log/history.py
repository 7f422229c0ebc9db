"""Histories, read from the log: of a stream together with the events of others that touch it, and of a command."""

from collections.abc import AsyncIterator, Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from domain import history
from domain.access import ACCESS_EVENTS
from domain.custom_field import TaskFieldSet
from domain.event import Actor, RecordedEvent
from domain.history import HistoryFilter
from infra.log.event_log import EventLog
from infra.log.rows import EVENT_COLUMNS, MAX_VERSION, SELECT_EVENTS, decode_row_or_unknown
from projections import page_bytes
from projections.page_bytes import bytes_before_sql

_CHUNK_EVENTS: Final = 500
_STATE: Final = "convert_from(state, 'UTF8')::jsonb"
_SHOWS_FIELD: Final = f"""(
    (topic = any(%(changing)s::text[])
      and {_STATE} -> %(field)s::text -> 0 is distinct from {_STATE} -> %(field)s::text -> 1)
    or (topic = any(%(saying)s::text[]) and originator_version = 1)
    or (topic = '{TaskFieldSet.__name__}' and {_STATE} ->> 'field_id' = any(%(field_ids)s::text[])))"""
_CONDITIONS: Final = {
    "actor": "actor_id = %(actor)s",
    "kind": "actor_kind = %(kind)s",
    "type": "topic = %(type)s",
    "field": _SHOWS_FIELD,
    "since": "at >= %(since)s",
    "until": "at < %(until)s",
    "command": "(command_id = %(command)s or causation_id = %(command)s::uuid::text)",
}
_SELECT_DOCUMENT: Final = f"""select {EVENT_COLUMNS} from (
      select *, {bytes_before_sql("state", "notification_id")} as bytes_before from (
        (select {EVENT_COLUMNS} from log.events
          where originator_id = %(document)s and originator_version > %(after_version)s
            and notification_id <= %(last)s order by originator_version limit {_CHUNK_EVENTS})
        union all
        (select {EVENT_COLUMNS} from log.touches join log.events using (notification_id)
          where document = %(document)s and originator_id <> %(document)s
            and notification_id > %(after)s and notification_id <= %(last)s
          order by notification_id limit {_CHUNK_EVENTS})
        order by notification_id limit {_CHUNK_EVENTS}
      ) as found
    ) as measured where bytes_before <= %(max_bytes)s order by notification_id"""  # noqa: S608 - our own text
_SELECT_OF_WORKSPACE: Final = f"""select {EVENT_COLUMNS} from (
      select *, {bytes_before_sql("state", "notification_id")} as bytes_before from (
        {SELECT_EVENTS} where workspace_id = %(workspace)s and notification_id > %(after)s
          and notification_id <= %(until)s and topic <> all(%(unlisted)s) order by notification_id limit {_CHUNK_EVENTS}
      ) as found
    ) as measured where bytes_before <= %(max_bytes)s order by notification_id"""  # noqa: S608 - our own text
_SELECT_HEADINGS: Final = """select notification_id, originator_id, originator_version, topic, actor_id, actor_kind,
    on_behalf_of, command_id, at from log.events where notification_id = any(%s)"""
_SELECT_POSITION: Final = "select notification_id from log.events where originator_id = %s and originator_version = %s"
_SELECT_OF_COMMAND: Final = """select notification_id from log.events
      where command_id = %(command)s and workspace_id = %(workspace)s
    union select notification_id from log.events
      where causation_id = %(command)s::uuid::text and workspace_id = %(workspace)s"""
_SELECT_PURGED: Final = """select stream from unnest(%s::uuid[]) as wanted (stream) cross join lateral (
      select topic from log.events where originator_id = stream order by originator_version desc limit 1
    ) as last where topic = any(%s)"""


async def iter_document(log: EventLog, document: UUID, last: int = MAX_VERSION) -> AsyncIterator[list[RecordedEvent]]:
    """The events of a stream and those that touch it, up to a position, in commit order; some at a time."""
    page = {"document": document, "after": 0, "after_version": 0, "last": last, "max_bytes": page_bytes.MAX_PAGE_BYTES}
    while rows := await log.fetch(_SELECT_DOCUMENT, page):
        events = [decode_row_or_unknown(row) for row in rows]
        own = (recorded.version for recorded in events if recorded.stream == document)
        page |= {"after": events[-1].position, "after_version": max(own, default=page["after_version"])}
        yield events


async def load_of_workspace(log: EventLog, workspace: UUID, after: int, until: int) -> list[RecordedEvent]:
    """The next events of a workspace after one position, up to another; one of no known type is Unknown.

    Those that only the audit lists are left out.
    """
    page = {
        "workspace": workspace,
        "after": after,
        "until": until,
        "unlisted": [kind.__name__ for kind in ACCESS_EVENTS],
        "max_bytes": page_bytes.MAX_PAGE_BYTES,
    }
    return [decode_row_or_unknown(row) for row in await log.fetch(_SELECT_OF_WORKSPACE, page)]


async def find_position(log: EventLog, stream: UUID, version: int) -> int | None:
    """The position of a version of a stream; None if it has never had it."""
    rows = await log.fetch(_SELECT_POSITION, (stream, version))
    return rows[0][0] if rows else None


async def find_positions(  # noqa: PLR0913, PLR0917 - a history, what to list of it, and which page
    log: EventLog, document: UUID, filters: HistoryFilter, fields: Collection[str], count: int, before: int
) -> list[int]:
    """The positions of the events of a stream and of those that touch it, before a position, newest first.

    `fields` are the stored names of the field that is filtered by. Events that no history lists are left out.
    """
    prefix = f"{TaskFieldSet.changes_part_of}."
    parameters = {
        **filters.conditions(),
        "document": document,
        "count": count,
        "before": before,
        "unlisted": [kind.__name__ for kind in history.UNLISTED_EVENTS],
        "changing": history.types_changing(filters.field or ""),
        "saying": history.types_saying(filters.field or ""),
        "field_ids": [name.removeprefix(prefix) for name in fields if name.startswith(prefix)],
    }
    return [position for (position,) in await log.fetch(_select_positions(filters), parameters)]


def _select_positions(filters: HistoryFilter) -> str:
    wanted = " and ".join(["notification_id < %(before)s", *(_CONDITIONS[name] for name in filters.conditions())])
    return f"""(select notification_id from log.events where originator_id = %(document)s and {wanted}
        order by originator_version desc limit %(count)s)
      union all (select notification_id from log.touches join log.events using (notification_id)
        where document = %(document)s and originator_id <> %(document)s
          and topic <> all(%(unlisted)s) and {wanted} order by notification_id desc limit %(count)s)
      order by notification_id desc limit %(count)s"""  # noqa: S608 - our own text


async def find_positions_of_command(log: EventLog, workspace: UUID, command: UUID) -> list[int]:
    """The positions of the events of a workspace that a command wrote, or directly caused."""
    rows = await log.fetch(_SELECT_OF_COMMAND, {"workspace": workspace, "command": command})
    return sorted(position for (position,) in rows)


async def find_purged(log: EventLog, streams: Collection[UUID]) -> set[UUID]:
    """Those of these streams whose content was purged."""
    purges = [kind.__name__ for kind in history.PURGE_EVENTS]
    return {stream for (stream,) in await log.fetch(_SELECT_PURGED, (list(streams), purges))} if streams else set()


class EventHeading(Struct, frozen=True):
    """What is known of an event without its content."""

    position: int
    stream: UUID
    version: int
    type: str
    actor: Actor
    command_id: UUID
    at: datetime


async def load_headings(log: EventLog, positions: Collection[int]) -> dict[int, EventHeading]:
    """The headings of the events at these positions, by position."""
    rows = await log.fetch(_SELECT_HEADINGS, (sorted(positions),)) if positions else ()
    return {
        position: EventHeading(position, stream, version, topic, Actor(actor, kind, behalf), command, at)
        for position, stream, version, topic, actor, kind, behalf, command, at in rows
    }
