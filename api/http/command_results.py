"""Command results in response bodies: of one command, of an atomic batch, of an independent batch."""

from uuid import UUID

import msgspec
from msgspec import Struct

from commands.handling.results import CommandResult, PlannedEvent, WipLimitWarning


class WriteResult(Struct, frozen=True, omit_defaults=True):
    """The result of a command: its stream, the new version, and a position that includes it."""

    id: UUID
    version: int
    position: int
    key: str | None = None
    warnings: tuple[WipLimitWarning, ...] = ()


class BatchResult(Struct, frozen=True):
    """The results of all commands, and a position that includes them."""

    results: tuple[CommandResult, ...]
    position: int


class IndependentResult(Struct, frozen=True, omit_defaults=True):
    """The result of one command, or of its dry run, as a request of its own would have been answered."""

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
    """The result of each command, and a position that includes all that were carried out."""

    results: list[IndependentResult]
    position: int
