"""The outcome of a command request: what was committed, or what a dry run would have committed."""

from collections.abc import Collection
from uuid import UUID

from msgspec import Struct

from commands.handling.results import CommandResult, PlannedEvent


class Committed(Struct, frozen=True):
    """What became of the wishes, and a position that includes them; of a dry run, the events that would be written."""

    results: tuple[CommandResult, ...]
    position: int
    has_changes: bool = False
    is_replay: bool = False
    workspace_ids: Collection[UUID] = ()
    planned_events: tuple[PlannedEvent, ...] = ()
