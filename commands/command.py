"""A command: data, with the rule that turns it into events."""

import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

import commands
from commands.field_types import ExpectedVersion
from domain.column import ColumnTasks
from domain.errors import NotFound, Refusal
from domain.event import Actor, Event, State
from domain.mention import PersonName
from domain.task import TaskStatus

S = TypeVar("S", bound=State)
T = TypeVar("T")


CLOSING_EVENTS_OVER_CAP, FINAL_EVENTS_OVER_CAP = 1_000, 1_100
"""How many events over the stream cap are left for archiving, trashing or restoring, and for a final deletion."""


class OtherStreamEvent(Struct, frozen=True):
    """An event for another stream than the command's own: written together with the rest, or not at all."""

    stream: UUID
    event: Event


class DecisionContext(Protocol):
    """What a rule can read besides its own state: the actor, and the states of other streams.

    The append asserts every stream that was read, at the version that was read.
    """

    @property
    def target(self) -> UUID:
        """The stream that the command is about."""

    @property
    def actor(self) -> Actor:
        """The actor of the request."""

    def __call__(self, state_type: type[S], stream: UUID) -> S | None:
        """The current state of a stream; None if it has no events."""

    def load_all(self, state_type: type[S], streams: Sequence[UUID]) -> list[S | None]:
        """The current state of each stream, read together."""

    @property
    def workspace_id(self) -> UUID | None:
        """The workspace of the commands before it in the request."""

    @property
    def new_events(self) -> Sequence[tuple[UUID, Event]]:
        """The events of the commands before it in the request, each with its stream."""

    @property
    def now(self) -> datetime:
        """When the request was received, in UTC."""

    def require_permission(self, action: str) -> None:
        """Raise NotFound, ScopeTooNarrow or Forbidden unless the actor has this permission in the workspace too."""

    def new_id(self) -> UUID:
        """A UUIDv7 that no other command gets, the same whenever this one is decided again."""

    def new_rank(self, *, is_first: bool) -> str:
        """The rank of a task that is put first or last in its project, behind those of earlier commands."""

    def allocate_task_number(self, project_id: UUID) -> int:
        """A task number of that project, never given out twice."""

    def column_tasks(self, project_id: UUID, column_id: str, status: TaskStatus | None = None) -> ColumnTasks:
        """The tasks in a column, as counted in the read model; one that enters meanwhile is not among them.

        Those of one status, if asked for, are as they were before this request.
        """

    def board_tasks(self, project_id: UUID) -> ColumnTasks:
        """The tasks on the board of a project, as they were before this request; not one that enters meanwhile."""

    def member_names(self, workspace_id: UUID) -> Mapping[UUID, PersonName]:
        """The names of the members of a workspace, as the read model knows them; one may have left meanwhile."""

    def version(self, stream: UUID) -> int:
        """The version of a stream that was read."""

    def seen_version(self, stream: UUID) -> int:
        """The same, without the events of this request."""

    def warn(self, warning: Refusal) -> None:
        """Report in the result what another setting would have refused, or what is left to do."""

    def report(self, report: Struct) -> None:
        """Report in the result what the events do not say."""


class Command(Struct, Generic[S], frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A command on one stream. Its class name is its name in batches and histories.

    `expected_version` is the version of the stream that its author saw; 0 is a stream without events. `creates` holds
    for commands on a new stream, `may_create` for those on a stream that may be new and that their own fields name.
    `requires_version` holds for commands that overwrite or destroy, `is_batchable` for those that need nothing but
    their body. `events_over_cap` is how far over the cap it may extend the stream, so that a full one can still be
    closed or removed. `hides_target` holds for commands after which the actor no longer sees what they are about; a
    replay of one is answered all the same. `changed_fields` are fields of the state that it changes without having one
    of that name. The permissions are in `commands.permissions`.
    """

    state_type: ClassVar[type[State]]
    creates: ClassVar[bool] = False
    may_create: ClassVar[bool] = False
    requires_version: ClassVar[bool] = False
    is_batchable: ClassVar[bool] = True
    events_over_cap: ClassVar[int] = 0
    hides_target: ClassVar[bool] = False
    changed_fields: ClassVar[frozenset[str]] = frozenset()

    expected_version: ExpectedVersion | None = None

    def derive_target(self, user_id: UUID) -> UUID | None:
        """The target of a command of a user that `may_create`, if its fields name one."""
        del user_id
        return None

    def named_fields(self) -> frozenset[str]:
        """The fields of the state that it is about, whether or not a rule lets it change them."""
        own = msgspec.structs.fields(type(self))
        sent = {field.name for field in own if field.required or getattr(self, field.name) != field.default}
        return self.changed_fields | sent.intersection(self.state_type.__struct_fields__)

    def needs_version(self, state: S | None, context: DecisionContext) -> bool:
        """Whether it must name a version; a command that requires one only where it overwrites says where."""
        del state, context
        return self.requires_version

    def resolve_workspace_id(self, state: S | None, context: DecisionContext) -> UUID | None:
        """The workspace of the target; None for a user's own things."""
        raise NotImplementedError

    def decide(self, state: S | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        """The events to write; none if there is nothing left to do. Raises a Refusal if a rule forbids it."""
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
    """The value; raises NotFound if it is None."""
    if value is None:
        raise NotFound
    return value
