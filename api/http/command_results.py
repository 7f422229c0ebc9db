"""Outcomes: what became of commands, as they are answered."""

from uuid import UUID

import msgspec
from msgspec import Struct

from commands.handling.results import CommandResult, PlannedEvent, WipLimitWarning


class WriteResult(Struct, frozen=True, omit_defaults=True):
    """What a command did: the stream it is about, its version now, and a position that includes it."""

    id: UUID
    version: int
    position: int
    key: str | None = None
    warnings: tuple[WipLimitWarning, ...] = ()


class BatchResult(Struct, frozen=True):
    """What became of all commands, and a position that includes them."""

    results: tuple[CommandResult, ...]
    position: int


class IndependentResult(Struct, frozen=True, omit_defaults=True):
    """What became of one command, or would: as its own request would have been answered."""

    status: int
    id: UUID | None = None
    version: int | None = None
    key: str | None = None
    position: int | None = None
    replayed: bool = False
    events: tuple[PlannedEvent, ...] | None = None
    warnings: tuple[WipLimitWarning, ...] = ()
    problem: msgspec.Raw | None = None


class IndependentResults(Struct, frozen=True):
    """What became of each, and a position that includes all that was carried out."""

    results: list[IndependentResult]
    position: int
