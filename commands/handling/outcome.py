"""The outcome of a command request: what was committed, or what a dry run would have committed."""

from collections.abc import Collection
from typing import ClassVar, TypeAlias
from uuid import UUID

from msgspec import Struct

from commands.handling.results import CommandResult
from domain.planned_event import PlannedEvent


class Committed(Struct, frozen=True):
    """What was done, now or when the request came first; the position includes it."""

    results: tuple[CommandResult, ...]
    position: int
    has_changes: bool = False
    is_replay: bool = False
    workspace_ids: Collection[UUID] = ()
    is_dry_run: ClassVar[bool] = False
    planned_events: ClassVar[None] = None


class DryRunOutcome(Struct, frozen=True):
    """What would have been written after that position. Nothing was, so nothing that follows a command may follow."""

    results: tuple[CommandResult, ...]
    position: int
    planned_events: tuple[PlannedEvent, ...]
    is_dry_run: ClassVar[bool] = True


Outcome: TypeAlias = Committed | DryRunOutcome
