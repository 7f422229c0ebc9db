"""History items: recorded events as clients see them, with the names of their actors."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from api.http.custom_field_names import load_field_names
from domain import codec
from domain.actor_names import AGENT_NAME_EVENTS, NAME_EVENTS, actor_names, agents_users
from domain.agent import AgentIntroduced
from domain.custom_field import TaskFieldSet
from domain.event import Actor, ActorKind, Change, Event, OpaqueEvent, RecordedEvent, changes
from domain.field_names import FieldNames
from domain.history import is_purged, subjects
from domain.task import TaskCreated
from infra.log.event_log import EventLog
from infra.log.history import find_purged


class ActorInfo(Struct, frozen=True):
    """An actor with their name, which is null once it is erased."""

    kind: ActorKind
    id: UUID
    name: str | None
    on_behalf_of: UUID | None


class HistoryItem(Struct, frozen=True):
    """One event of a history.

    `correlation_id` is the trace of the command that wrote it, `causation_id` what directly caused that: a span of the
    trace, a rule, or the command of a bulk change. An event of what was purged since has no `changes`.
    """

    position: int
    version: int
    type: str
    at: datetime
    actor: ActorInfo
    command_id: UUID
    correlation_id: UUID | None
    causation_id: str | None
    stream: UUID
    changes: dict[str, tuple[Any, Any]]


async def load_items(log: EventLog, events: Sequence[RecordedEvent]) -> list[HistoryItem]:
    """Recorded events as history items, in the same order; without content where it was purged."""
    names = await load_names(log, {recorded.actor for recorded in events})
    field_names = await load_field_names(log, (recorded.event for recorded in events))
    purged = await find_purged(log, {stream for recorded in events for stream in subjects(recorded)})
    return [
        HistoryItem(
            recorded.position,
            recorded.version,
            codec.stored_name_of(recorded.event),
            recorded.at,
            actor_info(recorded.actor, names),
            recorded.command_id,
            recorded.trace.correlation_id,
            recorded.trace.causation_id,
            recorded.stream,
            {} if is_purged(recorded, purged) else field_changes(recorded, field_names),
        )
        for recorded in events
    ]


def field_changes(recorded: RecordedEvent, field_names: FieldNames) -> dict[str, tuple[Any, Any]]:
    """Each field with its old and new value; old is None in the first event of a stream; opaque events give none.

    A custom field is `fields.` and its name.
    """
    if isinstance(recorded.event, OpaqueEvent):
        return {}
    if isinstance(recorded.event, TaskFieldSet):
        old, new = map(field_names.of_value, (recorded.event.value.old, recorded.event.value.new))
        return {field_names.of_member(recorded.event.changed_part): (old, new)}
    changed = {name: (change.old, change.new) for name, change in changes(recorded.event).items()}
    if recorded.version > 1:
        return changed
    event = msgspec.structs.asdict(recorded.event)
    if isinstance(recorded.event, TaskCreated):
        event["fields"] = field_names.of_values(recorded.event.fields)
    return {name: (None, value) for name, value in event.items() if not isinstance(value, Change)} | changed


async def load_names(log: EventLog, actors: Collection[Actor]) -> dict[UUID, str]:
    """The names of users and their agents, from the users' own streams, the only place where they are stored.

    Only naming events are read; those of tokens only if there is an agent among the actors. An agent may act on behalf
    of a user whose agent it is not: its own stream says whose it is.
    """
    agents = {actor.id for actor in actors if actor.kind == "agent"}
    kinds: tuple[type[Event], ...] = (*AGENT_NAME_EVENTS, AgentIntroduced) if agents else NAME_EVENTS
    streams = await log.load_events_of_types({actor.user_id for actor in actors} | agents, kinds)
    if others := agents_users(streams):
        streams = {**streams, **await log.load_events_of_types(others, AGENT_NAME_EVENTS)}
    return actor_names(streams)


def actor_info(actor: Actor, names: dict[UUID, str]) -> ActorInfo:
    return ActorInfo(actor.kind, actor.id, names.get(actor.id), actor.on_behalf_of)
