"""A command request: the commands of one call, with their actor, keys, trace, scope and mode."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from commands.handling.conflict import Intervening
from commands.handling.decision import CommandOn
from commands.handling.idempotency import IdempotencyKey
from commands.handling.stream_cache import StreamState
from domain.event import UNTRACED, Actor, Trace
from domain.user import TokenScope


class CommandRequest(Struct, frozen=True):
    """The wishes of one call, fulfilled together or not at all: who asks, under which names, where from, how far.

    Where it is `dry`, all is decided and nothing is written; what would be written first, for it to be decided at all,
    is `assumed`. With `rebase` a wish that lost a race is merged with what others did, as far as that is read: `since`.
    """

    commands: Sequence[CommandOn]
    actor: Actor
    command_id: UUID
    idempotency_keys: Sequence[IdempotencyKey] = ()
    trace: Trace = UNTRACED
    scope: TokenScope = "admin"
    is_dry_run: bool = False
    can_rebase: bool = False
    intervening: Mapping[UUID, Intervening] = {}
    assumed_states: Mapping[UUID, StreamState] = {}
