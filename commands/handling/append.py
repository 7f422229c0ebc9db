"""An append: what a command asks of the log, and how the log may answer."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from domain.event import UNTRACED, Actor, Event, Trace


class IdempotencyKey(Struct, frozen=True):
    """A client's own name for a call, or for one of its wishes: unique for the actor, with a digest of all it says."""

    text: str
    fingerprint: bytes
    command_index: int | None = None


class StoredOutcome(Struct, frozen=True):
    """What the log keeps of a key: what it stood for, and what came of that."""

    text: str
    fingerprint: bytes
    outcome: bytes
    position: int
    workspace_id: UUID | None


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


class IdempotentReplay(Exception):
    """Nothing of it is written: these of its keys were used before."""

    def __init__(self, outcomes: Sequence[StoredOutcome]) -> None:
        super().__init__(*(one.text for one in outcomes))
        self.outcomes = {one.text: one for one in outcomes}


class WrongExpectedVersion(Exception):
    """Nothing of it is written: these streams, which the decision looked at, are at other versions by now."""

    def __init__(self, streams: Sequence[UUID] = ()) -> None:
        super().__init__(*streams)
        self.streams = streams
