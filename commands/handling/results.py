"""The results of a call: what became of each wish, answered now and kept for a replay; or what would be written."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from commands.handling.decision import Decision, Wish
from domain import codec
from domain.errors import Refusal


class Warned(Struct, frozen=True):
    """What another setting of the project would have refused: a column has more tasks than it is meant for."""

    code: str
    column: str
    limit: int
    tasks: int

    @classmethod
    def of(cls, warning: Refusal) -> "Warned":
        return cls(warning.code(), **warning.params)


class Result(Struct, frozen=True, omit_defaults=True):
    """What became of one wish: its stream, the version that it is at, the human key of a task, and what to mind."""

    id: UUID
    version: int
    key: str | None = None
    warnings: tuple[Warned, ...] = ()


class Foreseen(Struct, frozen=True):
    """An event that would be written: where it would stand, and what it would say."""

    stream: UUID
    type: str
    version: int
    data: dict[str, Any]


def of(wishes: Sequence[Wish], decision: Decision) -> tuple[Result, ...]:
    """One result for each wish that the decision fulfilled."""
    return tuple(
        Result(
            wish.target,
            decision.version(wish.target),
            getattr(decision(wish.command.about, wish.target), "key", None),
            tuple(Warned.of(warning) for about, warning in decision.warnings if about == place),
        )
        for place, wish in enumerate(wishes)
    )


def foreseen(decision: Decision) -> tuple[Foreseen, ...]:
    """All that the decision would write, those of guard streams too, in the order of the log."""
    versions = Counter(decision.seen)
    events = []
    for stream, event in decision.written:
        versions[stream] += 1
        data = msgspec.to_builtins(event)
        del data[event.__struct_config__.tag_field]
        events.append(Foreseen(stream, codec.tag(event), versions[stream], data))
    return tuple(events)


def encode(results: Sequence[Result]) -> bytes:
    """As they are kept beside a client's key."""
    return msgspec.json.encode(results)


def decode(outcome: bytes) -> tuple[Result, ...]:
    """As they were."""
    return msgspec.json.decode(outcome, type=tuple[Result, ...])
