"""A saved filter: a named task filter, private to one user and independent of workspaces."""

from functools import lru_cache
from typing import ClassVar, Literal, Self
from uuid import UUID, uuid5

from domain.event import Change, Event, State

SavedFilterSort = Literal[
    "rank", "-rank", "due", "-due", "priority", "-priority", "created", "-created", "updated", "-updated",
    "key", "-key", "title", "-title",
]  # fmt: skip
"""The sort order of tasks; `-` reverses it."""


class FilterSaved(Event, frozen=True):
    """The filter is stored as written: `me` is the current caller, and `today` the day of the request."""

    user_id: UUID
    name: str
    filter: str
    sort: SavedFilterSort | None


class FilterRenamed(Event, frozen=True):
    name: Change[str]


class FilterRewritten(Event, frozen=True):
    filter: Change[str]


class FilterResorted(Event, frozen=True):
    sort: Change[SavedFilterSort | None]


class FilterDeleted(Event, frozen=True):
    """With its last name; its id is never reused."""

    name: str


class FiltersCounted(Event, frozen=True):
    """On the user's guard stream: the number of their filters, written on every save and delete."""

    filters: int


class SavedFilter(State, frozen=True):
    """The state of a saved filter that decisions need. A deleted filter has no state."""

    user_id: UUID
    name: str
    filter: str
    sort: SavedFilterSort | None

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if isinstance(event, FilterSaved):
            return cls(event.user_id, event.name, event.filter, event.sort)
        return None if isinstance(event, FilterDeleted) else super().evolve(state, event)


class FilterCount(State, frozen=True):
    """The number of saved filters of a user."""

    is_last_event_enough: ClassVar = True

    filters: int = 0

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.filters) if isinstance(event, FiltersCounted) else state


@lru_cache(maxsize=10_000)
def filter_count_stream_id(user_id: UUID) -> UUID:
    """The guard stream that counts the filters of a user."""
    return uuid5(user_id, "saved filters")
