"""Idempotency: a client's key for a call, and the stored outcome that answers its replay."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct


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


class IdempotentReplay(Exception):
    """Nothing of it is written: these of its keys were used before."""

    def __init__(self, outcomes: Sequence[StoredOutcome]) -> None:
        super().__init__(*(one.text for one in outcomes))
        self.outcomes = {one.text: one for one in outcomes}
