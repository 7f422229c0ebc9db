"""A restoration: what a stream is to become again if a change is taken back."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from commands.command import Command, DecisionContext, OtherStreamEvent
from commands.revert.changed_stream import DERIVED_FIELDS, EXISTENCE, STATE_TYPES, VALUE_WITHOUT_EVENTS, ChangedStream
from commands.revert.merging import Collision, merge
from commands.task_tree import for_stream
from domain.event import State


class Restoration(Struct, frozen=True):
    """The fields of a stream that get another value, and the state that it then has.

    It is to be created again if it `is_back`, and to be gone if it `is_gone`. Fields in `collisions` were changed
    since, and stay as they are.
    """

    stream: UUID
    state_type: type[State]
    subject: UUID | None
    values: Mapping[str, Any] = {}
    wanted: State | None = None
    is_gone: bool = False
    is_back: bool = False
    collisions: Collection[str] = ()

    @property
    def has_effect(self) -> bool:
        """Whether anything is restored."""
        return bool(self.values or self.is_gone or self.is_back)

    @property
    def is_taken_along(self) -> bool:
        """Whether its task was in the trash or in the archive because of another one."""
        return bool(getattr(self.wanted, "trashed_with", None) or getattr(self.wanted, "archived_with", None))


def plan_restoration(changed: ChangedStream, context: DecisionContext) -> Restoration:
    """What becomes of a stream if a change is taken back."""
    kind = STATE_TYPES[changed.kind]
    present = context(kind, changed.stream)
    values, collisions, existence = dict[str, Any](), dict[str, None](), present
    for change in changed.fields:
        if change.field == EXISTENCE:
            existence = change.old
            collisions.clear()
            continue
        try:
            now = values[change.field] if change.field in values else _value(kind, present, change.field)
            values[change.field] = merge(now, change)
        except Collision:
            if change.field not in DERIVED_FIELDS.get(kind, ()):
                collisions[change.field] = None
    restoration = Restoration(changed.stream, kind, changed.subject, wanted=existence)
    if (existence is None) != (present is None):
        return replace(restoration, is_gone=existence is None, is_back=present is None)
    values = {name: value for name, value in values.items() if value != _value(kind, present, name)}
    wanted = replace(present, **values) if present else None
    return replace(restoration, values=values, wanted=wanted, collisions=tuple(collisions))


def _value(kind: type[State], present: State | None, field: str) -> Any:
    """The present value of a field; raises Collision if there is none, as the whole is gone."""
    if present is not None:
        return getattr(present, field)
    if kind in VALUE_WITHOUT_EVENTS:
        return VALUE_WITHOUT_EVENTS[kind][1]
    raise Collision


def carry_out(command: Command[Any], stream: UUID, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """The events of another command than the one that is decided, on another stream, by its own rule and permission."""
    state, on_stream = context(command.state_type, stream), cast("DecisionContext", _OnStream(context, stream))
    command.resolve_workspace_id(state, on_stream)  # which refuses what belongs to another user
    context.require_permission(type(command).__name__)
    yield from for_stream(stream, command.decide(state, on_stream))


class _OnStream:
    """The context of a decision, with another target."""

    def __init__(self, context: DecisionContext, target: UUID) -> None:
        self._context, self.target = context, target

    def __call__(self, state_type: type[State], stream: UUID) -> State | None:
        return self._context(state_type, stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)
