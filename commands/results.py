"""The results of a call: what became of each wish, as it is answered now and kept for a replay."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from commands.decision import Decision, Wish


class Result(Struct, frozen=True, omit_defaults=True):
    """What became of one wish: its stream, the version that it is at, and the human key of a task."""

    id: UUID
    version: int
    key: str | None = None


def of(wishes: Sequence[Wish], decision: Decision) -> tuple[Result, ...]:
    """One result for each wish that the decision fulfilled."""
    return tuple(
        Result(
            wish.target,
            decision.version(wish.target),
            getattr(decision(wish.command.about, wish.target), "key", None),
        )
        for wish in wishes
    )


def encode(results: Sequence[Result]) -> bytes:
    """As they are kept beside a client's key."""
    return msgspec.json.encode(results)


def decode(outcome: bytes) -> tuple[Result, ...]:
    """As they were."""
    return msgspec.json.decode(outcome, type=tuple[Result, ...])
