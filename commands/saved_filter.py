"""What may be asked of a saved filter."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from commands.command import FOR_GOOD, Command, Elsewhere, Given, present
from commands.field_types import Filter, Name, own_id
from domain.errors import NotFound, TooManyFilters
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
    Sort,
    filters_of,
)

MOST_FILTERS = 200
"""Of one user."""


class FilterCommand(Command[SavedFilter], frozen=True, kw_only=True):
    """A wish about a filter of one's own: no other's is found."""

    about: ClassVar = SavedFilter

    def workspace(self, state: SavedFilter | None, given: Given) -> None:
        """A filter belongs to no workspace; raises NotFound for another's."""
        if present(state).user_id != given.actor.person:
            raise NotFound


class SaveFilter(FilterCommand, frozen=True, kw_only=True):
    """Keep a filter of the task list under a name. Without `sort` its tasks come as a list without one sorts them."""

    creates: ClassVar = True

    id: UUID | None = None
    name: Name
    filter: Filter
    sort: Sort | None = None

    def __post_init__(self) -> None:
        own_id(self.id)

    def workspace(self, state: SavedFilter | None, given: Given) -> None:
        """It is the actor's, wherever it was written."""

    def decide(self, state: SavedFilter | None, given: Given) -> Iterator[Event | Elsewhere]:
        parse(self.filter)
        person = given.actor.person
        count = counted(person, given)
        if count >= MOST_FILTERS:
            raise TooManyFilters(most=MOST_FILTERS)
        yield FilterSaved(person, self.name, self.filter, self.sort)
        yield Elsewhere(filters_of(person), FiltersCounted(count + 1))


class EditFilter(FilterCommand, frozen=True, kw_only=True):
    """Change a saved filter: one event for each field that becomes another."""

    must_name_version: ClassVar = True

    name: Name | UnsetType = UNSET
    filter: Filter | UnsetType = UNSET
    sort: Sort | UnsetType | None = UNSET

    def decide(self, state: SavedFilter | None, given: Given) -> Iterator[Event | Elsewhere]:
        saved = present(state)
        if self.name is not UNSET and self.name != saved.name:
            yield FilterRenamed(Change(saved.name, self.name))
        if self.filter is not UNSET and self.filter != saved.filter:
            parse(self.filter)
            yield FilterRewritten(Change(saved.filter, self.filter))
        if self.sort is not UNSET and self.sort != saved.sort:
            yield FilterResorted(Change(saved.sort, self.sort))


class DeleteFilter(FilterCommand, frozen=True, kw_only=True):
    """Keep a filter no longer."""

    must_name_version: ClassVar = True
    past_the_end: ClassVar = FOR_GOOD

    def decide(self, state: SavedFilter | None, given: Given) -> Iterator[Event | Elsewhere]:
        saved = present(state)
        yield FilterDeleted(saved.name)
        yield Elsewhere(filters_of(saved.user_id), FiltersCounted(counted(saved.user_id, given) - 1))


def counted(person: UUID, given: Given) -> int:
    """How many filters somebody keeps, which the append asserts."""
    return (given(FilterCount, filters_of(person)) or FilterCount()).filters
