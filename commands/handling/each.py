"""Commands of one request carried out each on its own: a refused one is left out, the rest is written together."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from commands.handling.decision import Decision
from commands.handling.idempotency import StoredOutcome
from domain.errors import Refusal


class StoredRefusal(Struct, frozen=True, omit_defaults=True):
    """A refusal as it is stored; a code that is no refusal's is that of a fault."""

    code: str
    detail: str = ""
    params: dict[str, Any] = {}
    pointer: str | None = None

    @classmethod
    def of(cls, refusal: Refusal) -> "StoredRefusal":
        """The refusal of a command."""
        return cls(refusal.code(), str(refusal), refusal.params, refusal.pointer)

    def to_refusal(self) -> Refusal | None:
        """The refusal as it was raised; None if it was a fault."""
        kind = _refusals_by_code().get(self.code)
        if kind is None:
            return None
        refusal = kind.__new__(kind)
        Refusal.__init__(refusal, self.detail, **self.params)
        refusal.pointer = self.pointer
        return refusal


class EachOutcome(Struct, frozen=True):
    """The indexes of the commands that changed something, the refusals of others, and a position that includes all."""

    changed: tuple[int, ...]
    refused: Mapping[int, StoredRefusal]
    position: int


def from_decision(decision: Decision, position: int) -> EachOutcome:
    """The outcome of a decision that the log has confirmed."""
    refused = {index: StoredRefusal.of(refusal) for index, refusal in decision.skipped.items()}
    return EachOutcome(tuple(decision.changing), refused, position)


def encode(decision: Decision) -> bytes:
    """As stored with the key of the request."""
    return msgspec.json.encode(from_decision(decision, 0))


def decode(stored: StoredOutcome) -> EachOutcome:
    """From what `encode` made."""
    return msgspec.structs.replace(msgspec.json.decode(stored.outcome, type=EachOutcome), position=stored.position)


@cache
def _refusals_by_code() -> Mapping[str, type[Refusal]]:
    return {kind.code(): kind for kind in Refusal.__subclasses__()}
