"""Idempotency: a client's key for a call, and the stored outcome that answers its replay."""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

_FORM = b"\x02"
"""Begins a fingerprint of this form; those of the first form, of the bytes as they were sent, are a bare digest."""


class IdempotencyKey(Struct, frozen=True):
    """A client's key for a call, or for one of its commands: unique per actor, with a fingerprint of the request.

    `content_as_sent` is what the first form of fingerprints was a digest of.
    """

    text: str
    fingerprint: bytes
    command_index: int | None = None
    content_as_sent: bytes = b""

    def belongs_to(self, stored_fingerprint: bytes) -> bool:
        """Whether the request that used the key first was this one; each is compared in the form of its time."""
        if stored_fingerprint.startswith(_FORM) and len(stored_fingerprint) > sha256().digest_size:
            return stored_fingerprint == self.fingerprint
        return stored_fingerprint == sha256(self.content_as_sent).digest() or stored_fingerprint == self.fingerprint


class StoredOutcome(Struct, frozen=True):
    """A key in the log: the fingerprint of the request that used it, and the outcome."""

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


def fingerprint(content: bytes) -> bytes:
    """The fingerprint of a request, of everything that tells it from another, in one spelling."""
    return _FORM + sha256(content).digest()
