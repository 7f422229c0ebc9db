"""A command: a wish as data, with the rule that turns it into events."""

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct

import commands
from commands.field_types import ExpectedVersion
from domain.errors import NotFound, Refusal
from domain.event import Actor, Event, State

S = TypeVar("S", bound=State)
T = TypeVar("T")


CLOSING_EVENTS_OVER_CAP, FINAL_EVENTS_OVER_CAP = 1_000, 1_100
"""How many events past the end of its stream may put something away or take it back, and may end it once for all."""


class OtherStreamEvent(Struct, frozen=True):
    """An event for another stream than the command's own: written together with the rest, or not at all."""

    stream: UUID
    event: Event


class DecisionContext(Protocol):
    """What a decision may know beside its own state: who asks, and the states of other streams.

    Every stream looked at is asserted by the append, at the version that was seen.
    """

    @property
    def target(self) -> UUID:
        """The stream that the command is about."""

    @property
    def actor(self) -> Actor:
        """Who asks."""

    def __call__(self, state_type: type[S], stream: UUID) -> S | None:
        """The present state of a stream; None where it has not begun."""

    def require_permission(self, action: str) -> None:
        """Raise NotFound, ScopeTooNarrow or Forbidden unless who asks may do that too, where the command happens."""

    def allocate_task_number(self, project_id: UUID) -> int:
        """A task number of that project that nobody else gets, ever."""

    def version(self, stream: UUID) -> int:
        """The version of a stream that was looked at."""

    def warn(self, warning: Refusal) -> None:
        """Let the answer say what would have been refused under another setting, though it is done."""


class Command(Struct, Generic[S], frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A wish about one stream. Its class name is its name in batches and histories.

    `expected_version` is the version of the stream that the wish was made on; 0 is a stream that has
    not begun. `creates` holds for commands on a stream that has not begun, `begins` for those on a stream that may
    have, which their own fields name. `must_name_version` holds for commands that overwrite or destroy, `in_batches`
    for all that needs nothing but its body. `past_the_end` is how many events longer than others it may make the
    stream: what takes away or closes is still done where nothing else is. Who may ask stands in `commands.permissions`.
    """

    state_type: ClassVar[type[State]]
    creates: ClassVar[bool] = False
    may_create: ClassVar[bool] = False
    requires_version: ClassVar[bool] = False
    is_batchable: ClassVar[bool] = True
    events_over_cap: ClassVar[int] = 0

    expected_version: ExpectedVersion | None = None

    def derive_target(self) -> UUID | None:
        """What it is about, where it `begins` and its fields say enough."""
        return None

    def resolve_workspace_id(self, state: S | None, context: DecisionContext) -> UUID | None:
        """The workspace that this happens in; None for what is a user's own."""
        raise NotImplementedError

    def decide(self, state: S | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        """The events that fulfil the wish; none where it is fulfilled already.

        Raises a Refusal where a rule says no.
        """
        raise NotImplementedError


@cache
def all_commands() -> dict[str, type[Command[Any]]]:
    """Each command of this package by its name."""
    for found in pkgutil.iter_modules(commands.__path__):
        import_module(f"commands.{found.name}")
    return {kind.__name__: kind for kind in _subclasses(Command) if "decide" in vars(kind)}


def _subclasses(kind: type[Command[Any]]) -> Iterator[type[Command[Any]]]:
    for found in kind.__subclasses__():
        yield found
        yield from _subclasses(found)


def require_found(value: T | None) -> T:
    """What must be there; raises NotFound where it is not."""
    if value is None:
        raise NotFound
    return value
