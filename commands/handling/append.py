"""An append: the events and asserted versions that go to the log, and how the log answers."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from commands.handling.idempotency import IdempotencyKey
from domain.event import UNTRACED, Actor, Event, Trace


class Append(Struct, frozen=True):
    """Events to write together or not at all, if every stream that was read is still at its version."""

    expected_versions: dict[UUID, int]
    events: Sequence[tuple[UUID, Event]]
    actor: Actor
    command_id: UUID
    workspace_id: UUID | None
    outcomes: Sequence[tuple[IdempotencyKey, bytes | None]] = ()
    trace: Trace = UNTRACED
    at: datetime | None = None
    """When it happened, if that was before it is recorded."""


class AppendResult(Struct, frozen=True):
    """All events are written, and every version held; the position includes them."""

    position: int


class WrongExpectedVersion(Exception):
    """Nothing is written: these streams, which the decision read, are at other versions by now.

    It is the log's answer to the command handler, which decides again. It names streams of rules too, about which the
    client said nothing; so it is no refusal, and never leaves the handler.
    """

    def __init__(self, streams: Sequence[UUID] = ()) -> None:
        super().__init__(*streams)
        self.streams = streams


class OutcomeUnknown(Exception):
    """The log did not answer: what was sent may be written, or not. A retry with the same key makes it definite."""
