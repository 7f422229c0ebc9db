"""A command request: the commands of one call, with their actor, keys, trace, scope and mode."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from commands.handling.column_tasks import ColumnTasksKey
from commands.handling.command_on import CommandOn
from commands.handling.conflict import Intervening
from commands.handling.idempotency import IdempotencyKey
from commands.handling.stream_cache import StreamState
from domain.column import ColumnTasks
from domain.event import UNTRACED, Actor, Trace
from domain.mention import PersonName
from domain.user import TokenScope


class CommandRequest(Struct, frozen=True):
    """The commands of one call, carried out together or not at all, with actor, keys, trace and scope.

    A dry run is decided and not written; `assumed_states` are those that would be written before it, for it to be
    decided at all. With `can_rebase` a stale command is merged with what others did: with `intervening`, once loaded.
    With `allows_any_version` a command need not name a version, but its target must exist. With `skips_refused` a
    command that is refused is left out, and the others are carried out. With a `proposal`, which is a MakeProposal, the
    commands are only tried, and it is written. The ids and the time of what they create come from `decided_as`, so that
    a proposal leads to the same when it is accepted; without it, from `command_id`.
    """

    commands: Sequence[CommandOn]
    actor: Actor
    command_id: UUID
    idempotency_keys: Sequence[IdempotencyKey] = ()
    trace: Trace = UNTRACED
    scope: TokenScope = "admin"
    is_dry_run: bool = False
    can_rebase: bool = False
    allows_any_version: bool = False
    skips_refused: bool = False
    proposal: CommandOn | None = None
    decided_as: UUID | None = None
    intervening: Mapping[UUID, Intervening] = {}
    assumed_states: Mapping[UUID, StreamState] = {}
    column_tasks: Mapping[ColumnTasksKey, ColumnTasks] = {}
    member_names: Mapping[UUID, Mapping[UUID, PersonName]] = {}

    @property
    def commands_to_write(self) -> Sequence[CommandOn]:
        """The commands whose events are written: all, or the proposal of them."""
        return (self.proposal,) if self.proposal else self.commands
