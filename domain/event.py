"""An event: one fact in the past tense, stored for ever."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import cache, reduce
from operator import attrgetter, itemgetter
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar, get_origin
from uuid import UUID

import msgspec
from msgspec import NODEFAULT, Struct

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
    without reading earlier events.
    """

    changes_part_of: ClassVar[str] = ""
    """The field of which it changes only a part, such as one item of a list; `after_part_change` says how."""

    @property
    def changed_part(self) -> str:
        """What it changes of that field, as conflicts compare it."""
        return self.changes_part_of

    def after_part_change(self, value: Any) -> object:
        """The value of that field after the event."""
        raise NotImplementedError

    def touches(self) -> Collection[UUID]:
        """The ids of other streams whose documents it changes too: a comment changes its task."""
        return ()


class OpaqueEvent(Event, frozen=True):
    """A stored event that this version of Taskledger cannot decode: its name and bytes, for display only."""

    stored_name: str
    data: bytes


ActorKind = Literal["human", "agent", "rule", "import"]


class Actor(Struct, frozen=True):
    """The author of an event: a user by id, a rule or an import, or an agent with its own id, on behalf of a user.

    What others did elsewhere is imported with their ids, on behalf of the user who imports it.
    """

    id: UUID
    kind: ActorKind = "human"
    on_behalf_of: UUID | None = None

    @property
    def user_id(self) -> UUID:
        """The user who did it: for an agent the one on whose behalf, for an import the one who did it elsewhere."""
        return self.id if self.kind == "import" else self.principal_id

    @property
    def principal_id(self) -> UUID:
        """The user whose permissions it has."""
        return self.on_behalf_of or self.id


class Trace(Struct, frozen=True):
    """The origin of a command (W3C Trace Context): its trace, and its direct cause.

    `causation_id` is the caller's span, 16 hexadecimal digits, the cause that a rule names, the id of a bulk change, or
    that of the change that is taken back. Of a command of a work session, `correlation_id` is the session, and the
    trace, 32 hexadecimal digits, its cause.
    """

    correlation_id: UUID | None = None
    causation_id: str | None = None


UNTRACED = Trace()


class RecordedEvent(Struct, frozen=True):
    """An event with its position in the log.

    `position` orders the whole log by commit; `version` orders `stream`, from 1. `at` is when it
    happened, `recorded_at` when it was appended.
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
    """The state of one stream: the fold of its events. Its fields have the names that the events give them.

    With `is_last_event_enough`, the last event alone gives the state, however long the stream. A state that
    `is_personal` is stored only as the events of its stream, never as a snapshot.
    """

    is_last_event_enough: ClassVar[bool] = False
    is_personal: ClassVar[bool] = False

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        """The state after one more event: no rules, never an error. Subclasses add the first event."""
        return state and apply_changes(state, event)

    @classmethod
    def evolve_all(cls, state: Self | None, events: Iterable[Event]) -> Self | None:
        """The state after several events; a subclass may apply many at once."""
        return reduce(cls.evolve, events, state)


def record_from(record_type: type[R], event: Event, **more: Any) -> R:
    """The record that the first event of a stream makes: with `more`, and the event's fields that the record has."""
    values_of, defaults, in_order = _record_plan(record_type, type(event), tuple(more))
    return record_type(*in_order((*defaults, *values_of(event), *more.values())))


def apply_changes(record: R, event: Event, **more: object) -> R:
    """The record with `more` and the new value of each of its fields that the event changed."""
    part = event.changes_part_of
    if part and part in record.__struct_fields__:
        more[part] = event.after_part_change(getattr(record, part))
    for name in change_fields(type(event)):
        change = getattr(event, name)
        if change.old != change.new and name in record.__struct_fields__:
            more[name] = change.new
    return msgspec.structs.replace(record, **more) if more else record


def changes(event: Event) -> dict[str, Change[object]]:
    """Each field that the event changed, with its old and new value."""
    values = ((name, getattr(event, name)) for name in change_fields(type(event)))
    return {name: value for name, value in values if value.old != value.new}


def changed_fields(event: Event) -> frozenset[str]:
    """The names of the fields that the event changed, in whole or in part."""
    return frozenset((event.changed_part,)) if event.changes_part_of else frozenset(changes(event))


@cache
def _record_plan(
    record_type: type[Struct], event_type: type[Event], more: tuple[str, ...]
) -> tuple[Callable[[Event], tuple[Any, ...]], tuple[Any, ...], Callable[[tuple[Any, ...]], tuple[Any, ...]]]:
    """What reads the values of an event, the defaults of the record, and what puts them and `more` in its order.

    By position, a record with many fields is built in a tenth of the time that it takes by name.
    """
    shared = [name for name in event_type.__struct_fields__ if name in {*record_type.__struct_fields__} - {*more}]
    fields = [field for field in msgspec.structs.fields(record_type) if not field.required]
    defaults = [field.default_factory() if field.default is NODEFAULT else field.default for field in fields]
    places = {name: place for place, name in enumerate((*(field.name for field in fields), *shared, *more))}
    return attrgetter(*shared), tuple(defaults), itemgetter(*(places[name] for name in record_type.__struct_fields__))


@cache
def change_fields(event_type: type[Event]) -> tuple[str, ...]:
    """The fields of an event that are changes."""
    return tuple(field.name for field in msgspec.structs.fields(event_type) if get_origin(field.type) is Change)


def fold(state_type: type[S], events: Iterable[Event], start: S | None = None) -> S | None:
    """The state of a stream, from all its events in order or those after `start`; None if none of them creates it."""
    return state_type.evolve_all(start, events)
