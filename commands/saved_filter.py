"""Commands about a saved filter: save, change, delete."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from commands.command import FINAL_EVENTS_OVER_CAP, Command, DecisionContext, OtherStreamEvent, require_found
from commands.field_types import FilterText, Name, NewId, require_uuid7
from domain.errors import NotFound, Refusal, TooManyFilters
from domain.event import Change, Event
from domain.filter import parse
from domain.saved_filter import (
    FilterCount,
    FilterDeleted,
    FilterRenamed,
    FilterResorted,
    FilterRewritten,
    FilterSaved,
    FiltersCounted,
    SavedFilter,
    SavedFilterSort,
    filter_count_stream_id,
)

MAX_FILTERS_PER_USER = 200
"""Per user."""


class FilterCommand(Command[SavedFilter], frozen=True, kw_only=True):
    """A command on one of the actor's own filters; those of others are not found."""

    state_type: ClassVar = SavedFilter

    def resolve_workspace_id(self, state: SavedFilter | None, context: DecisionContext) -> None:
        """A filter belongs to no workspace; raises NotFound for another's."""
        if require_found(state).user_id != context.actor.user_id:
            raise NotFound


class SaveFilter(FilterCommand, frozen=True, kw_only=True):
    """Save a filter of the task list under a name. Without `sort` its tasks have the default order of a list."""

    creates: ClassVar = True

    id: NewId | None = None
    name: Name
    filter: FilterText
    sort: SavedFilterSort | None = None

    def __post_init__(self) -> None:
        require_uuid7(self.id)

    def resolve_workspace_id(self, state: SavedFilter | None, context: DecisionContext) -> None:
        """A new filter belongs to the actor."""

    def decide(self, state: SavedFilter | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        require_filter(self.filter)
        person = context.actor.user_id
        count = count_filters(person, context)
        if count >= MAX_FILTERS_PER_USER:
            raise TooManyFilters(most=MAX_FILTERS_PER_USER)
        yield FilterSaved(person, self.name, self.filter, self.sort)
        yield OtherStreamEvent(filter_count_stream_id(person), FiltersCounted(count + 1))


class EditFilter(FilterCommand, frozen=True, kw_only=True):
    """Change a saved filter: one event for each field that changes."""

    requires_version: ClassVar = True

    name: Name | UnsetType = UNSET
    filter: FilterText | UnsetType = UNSET
    sort: SavedFilterSort | UnsetType | None = UNSET

    def decide(self, state: SavedFilter | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        saved = require_found(state)
        if self.name is not UNSET and self.name != saved.name:
            yield FilterRenamed(Change(saved.name, self.name))
        if self.filter is not UNSET and self.filter != saved.filter:
            require_filter(self.filter)
            yield FilterRewritten(Change(saved.filter, self.filter))
        if self.sort is not UNSET and self.sort != saved.sort:
            yield FilterResorted(Change(saved.sort, self.sort))


class DeleteFilter(FilterCommand, frozen=True, kw_only=True):
    """Delete a saved filter."""

    requires_version: ClassVar = True
    events_over_cap: ClassVar = FINAL_EVENTS_OVER_CAP

    def decide(self, state: SavedFilter | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        saved = require_found(state)
        yield FilterDeleted(saved.name)
        yield OtherStreamEvent(
            filter_count_stream_id(saved.user_id), FiltersCounted(count_filters(saved.user_id, context) - 1)
        )


def count_filters(user_id: UUID, context: DecisionContext) -> int:
    """How many filters a user has; the append asserts it."""
    return (context(FilterCount, filter_count_stream_id(user_id)) or FilterCount()).filters


def require_filter(text: str) -> None:
    """Raise FilterSyntax, UnknownField, FilterValue or FilterTooLong, with the member of the body."""
    try:
        parse(text)
    except Refusal as refusal:
        refusal.pointer = "#/filter"
        raise
