"""An append: what a command asks of the log, and how the log may answer."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from commands.handling.idempotency import IdempotencyKey
from domain.event import UNTRACED, Actor, Event, Trace


class Append(Struct, frozen=True):
    """Events to be written together or not at all, if each stream seen is still at its version."""

    expected_versions: dict[UUID, int]
    events: Sequence[tuple[UUID, Event]]
    actor: Actor
    command_id: UUID
    workspace_id: UUID | None
    outcomes: Sequence[tuple[IdempotencyKey, bytes | None]] = ()
    trace: Trace = UNTRACED


class AppendResult(Struct, frozen=True):
    """All of it is written, and every version held; a position that includes it."""

    position: int


class WrongExpectedVersion(Exception):
    """Nothing of it is written: these streams, which the decision looked at, are at other versions by now."""

    def __init__(self, streams: Sequence[UUID] = ()) -> None:
        super().__init__(*streams)
        self.streams = streams
