"""An event: one fact in the past tense, as it is stored for ever."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache, reduce
from typing import ClassVar, Generic, Literal, Self, TypeVar, get_origin
from uuid import UUID

import msgspec
from msgspec import Struct

T = TypeVar("T")
S = TypeVar("S", bound="State")
R = TypeVar("R", bound=Struct)


class Change(Struct, Generic[T], frozen=True, array_like=True):
    """A field's value before and after; in JSON the pair `[old, new]`."""

    old: T
    new: T


class Event(Struct, frozen=True, tag=True):
    """A fact. Its class name is its stored name: never changed, never used again.

    The first event of a stream carries plain fields. In a later one, the fields that it changed are
    `Change`s; its plain fields are context (where it happened), so that a projection can count it
    without asking what went before.
    """


class OpaqueEvent(Event, frozen=True):
    """What the log holds and this version of Taskledger cannot read: a name and bytes, for looking only."""

    stored_name: str
    data: bytes


class Actor(Struct, frozen=True):
    """Who did it: a user by id, a rule or an import, or an agent with an id of its own, on behalf of a user."""

    id: UUID
    kind: Literal["human", "agent", "rule", "import"] = "human"
    on_behalf_of: UUID | None = None

    @property
    def user_id(self) -> UUID:
        """Whose rights it has."""
        return self.on_behalf_of or self.id


class Trace(Struct, frozen=True):
    """Where a command came from (W3C Trace Context): the trace that it belongs to, and what directly caused it.

    `causation_id` is the caller's span, 16 hexadecimal digits, or what a rule names.
    """

    correlation_id: UUID | None = None
    causation_id: str | None = None


UNTRACED = Trace()


class RecordedEvent(Struct, frozen=True):
    """An event in its place in the log.

    `position` is its place in the whole log, in the order of commits; `version` its place in
    `stream`, from 1. `at` is when it happened, `recorded_at` when the log took it.
    """

    position: int
    stream: UUID
    version: int
    event: Event
    actor: Actor
    command_id: UUID
    workspace_id: UUID | None
    at: datetime
    recorded_at: datetime
    trace: Trace = UNTRACED


class State(Struct, frozen=True):
    """What the events of one stream add up to. Its fields are named as the events name them.

    Where `last_says_all` holds, the last event alone gives the state, however long the stream. What `is_personal` is
    kept nowhere but in its stream.
    """

    is_last_event_enough: ClassVar[bool] = False
    is_personal: ClassVar[bool] = False

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        """The state after one more event: no rules, never an error. Subclasses add the first event."""
        return state and apply_changes(state, event)


def apply_changes(record: R, event: Event, **more: object) -> R:
    """The record with `more`, and the new value of each field that the event changed, where it has that field."""
    for name in _change_fields(type(event)):
        change = getattr(event, name)
        if change.old != change.new and name in record.__struct_fields__:
            more[name] = change.new
    return msgspec.structs.replace(record, **more) if more else record


def changes(event: Event) -> dict[str, Change[object]]:
    """Each field that the event changed, with the value before and after."""
    values = ((name, getattr(event, name)) for name in _change_fields(type(event)))
    return {name: value for name, value in values if value.old != value.new}


@cache
def _change_fields(event_type: type[Event]) -> tuple[str, ...]:
    """The fields of an event that are changes."""
    return tuple(field.name for field in msgspec.structs.fields(event_type) if get_origin(field.type) is Change)


def fold(state_type: type[S], events: Iterable[Event], start: S | None = None) -> S | None:
    """The state of a stream, from all its events in order or those after `start`; None where no such kind began."""
    return reduce(state_type.evolve, events, start)
