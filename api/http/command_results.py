"""Command results in response bodies: of one command, of an atomic batch, of an independent batch.

The result of a dry run has the same members as that of the command, so a client reads both alike, and `events`.
"""

from typing import Annotated, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from commands.handling.outcome import Outcome
from commands.handling.results import CommandResult, NextInstance, WipLimitWarning
from domain.planned_event import PlannedEvent

_PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Conflict"}
PlannedEvents: TypeAlias = Annotated[
    tuple[PlannedEvent, ...] | None,
    Meta(description="Only of a dry run: the events that it would write after `position`, in the order of the log."),
]


class WriteResult(Struct, frozen=True, omit_defaults=True):
    """The result of a command: the id of its target, the new version, and a position that includes it."""

    id: UUID
    version: int
    position: int
    key: str | None = None
    next: NextInstance = None
    warnings: tuple[WipLimitWarning, ...] = ()
    events: PlannedEvents = None

    @classmethod
    def from_outcome(cls, outcome: Outcome) -> "WriteResult":
        """Of the one command of a request."""
        one, events = outcome.results[0], outcome.planned_events
        return cls(one.id, one.version, outcome.position, one.key, one.next, one.warnings, events)


class BatchResult(Struct, frozen=True, omit_defaults=True):
    """The results of all commands, and a position that includes them."""

    results: tuple[CommandResult, ...]
    position: int
    warnings: Annotated[
        tuple[WipLimitWarning, ...], Meta(description="Only of a dry run: the warnings of all commands.")
    ] = ()
    events: PlannedEvents = None

    @classmethod
    def from_outcome(cls, outcome: Outcome) -> "BatchResult":
        """Of all commands of an atomic batch."""
        warnings = [warning for result in outcome.results for warning in result.warnings] if outcome.is_dry_run else ()
        return cls(outcome.results, outcome.position, tuple(warnings), outcome.planned_events)


class IndependentResult(Struct, frozen=True, omit_defaults=True):
    """The result of one command, or of its dry run, as a request of its own would have been answered."""

    status: int
    id: UUID | None = None
    version: int | None = None
    key: str | None = None
    next: NextInstance = None
    position: int | None = None
    replayed: bool = False
    events: PlannedEvents = None
    warnings: tuple[WipLimitWarning, ...] = ()
    problem: Annotated[msgspec.Raw, Meta(extra_json_schema=_PROBLEM_SCHEMA)] | None = None


class IndependentResults(Struct, frozen=True):
    """The result of each command, and a position that includes all that were carried out."""

    results: list[IndependentResult]
    position: int
