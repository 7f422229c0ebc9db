"""Events of the past as people read them: when, who, which task, what, and the values before and after."""

import re
from collections.abc import Collection, Iterable
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import codec
from domain.actor_names import AGENT_NAME_EVENTS, actor_names, agents_users
from domain.agent import AgentIntroduced
from domain.event import Actor, Change, RecordedEvent
from domain.history import PURGE_EVENTS, is_purged, shown_fields, subjects
from infra import log

_WORD_START: Final = re.compile("(?<!^)(?=[A-Z])")
_MAX_VALUE_CHARACTERS: Final = 60


class EventLines:
    """Lines for events; the names of actors, and whether content was purged, are looked up once."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection
        self._names = dict[UUID, str]()
        self._asked = set[UUID]()
        self._keys = dict[UUID, str]()
        self._purged = set[UUID]()

    def lines(self, events: Collection[RecordedEvent]) -> Iterable[str]:
        """A line for each of some events, oldest first."""
        self._look_up(events)
        return map(self._line, events)

    def _look_up(self, events: Collection[RecordedEvent]) -> None:
        """Names and purges that the events need, those that are not known yet."""
        actors = {one.actor for one in events}
        users = {id_ for actor in actors for id_ in (actor.id, actor.user_id)} - self._asked
        if users:
            self._names |= load_actor_names(self._connection, actors)
        streams = {stream for one in events for stream in subjects(one)} - self._asked
        purges = log.load_events_of_types(self._connection, streams, PURGE_EVENTS) if streams else ()
        self._purged |= {purge.stream for purge in purges}
        self._asked |= users | streams

    def _line(self, recorded: RecordedEvent) -> str:
        key = getattr(recorded.event, "key", None)
        if isinstance(key, str | Change):
            self._keys[recorded.stream] = str(key.new if isinstance(key, Change) else key)
        shown = next((self._keys[one] for one in (recorded.stream, *recorded.event.touches()) if one in self._keys), "")
        what = _WORD_START.sub(" ", codec.stored_name_of(recorded.event)).lower()
        values = "" if is_purged(recorded, self._purged) else ", ".join(self._values(recorded))
        return (
            f"{recorded.at:%Y-%m-%d %H:%M:%S}  {self._name(recorded.actor):<14}  {shown:<8}  {what}  {values}".rstrip()
        )

    def _values(self, recorded: RecordedEvent) -> Iterable[str]:
        """What the event says of each field that it shows."""
        for name in sorted(shown_fields(recorded) & set(recorded.event.__struct_fields__)):
            value = getattr(recorded.event, name)
            if isinstance(value, Change):
                yield f"{name}: {self._text(value.old)} → {self._text(value.new)}"
            elif value not in (None, "", (), {}) and not isinstance(value, UUID):
                yield f"{name}: {self._text(value)}"

    def _text(self, value: Any) -> str:
        """A value; a user by name, nothing as a dash, a long text by its beginning."""
        if value in (None, "", (), {}):
            return "-"
        if isinstance(value, UUID) and value in self._names:
            return self._names[value]
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        text = " ".join(text.split())
        return text if len(text) <= _MAX_VALUE_CHARACTERS else f"{text[:_MAX_VALUE_CHARACTERS]}…"

    def _name(self, actor: Actor) -> str:
        return self._names.get(actor.id, actor.kind if actor.kind == "rule" else str(actor.id))


def load_actor_names(connection: Connection[TupleRow], actors: Collection[Actor]) -> dict[UUID, str]:
    """The names of actors, with those of agents that act for another user than their own."""
    histories = _naming_events(connection, {id_ for actor in actors for id_ in (actor.id, actor.user_id)})
    return actor_names(histories | _naming_events(connection, agents_users(histories)))


def _naming_events(connection: Connection[TupleRow], users: Collection[UUID]) -> dict[UUID, list[RecordedEvent]]:
    histories: dict[UUID, list[RecordedEvent]] = {user: [] for user in users}
    for named in log.load_events_of_types(connection, users, (*AGENT_NAME_EVENTS, AgentIntroduced)):
        histories[named.stream].append(named)
    return histories
