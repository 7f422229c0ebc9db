"""Idempotency: a client's key for a call, and the stored outcome that answers its replay."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct


class IdempotencyKey(Struct, frozen=True):
    """A client's key for a call, or for one of its commands: unique per actor, with a digest of the request."""

    text: str
    fingerprint: bytes
    command_index: int | None = None


class StoredOutcome(Struct, frozen=True):
    """A key in the log: the digest of the request that used it, and the outcome."""

    text: str
    fingerprint: bytes
    outcome: bytes
    position: int
    workspace_id: UUID | None


class IdempotentReplay(Exception):
    """Nothing is written, because some keys were used before: their stored outcomes."""

    def __init__(self, outcomes: Sequence[StoredOutcome]) -> None:
        super().__init__(*(one.text for one in outcomes))
        self.outcomes = {one.text: one for one in outcomes}
