"""A saved filter: a choice among tasks that a user keeps under a name, in no workspace and for nobody else."""

from functools import lru_cache
from typing import ClassVar, Literal, Self
from uuid import UUID, uuid5

from domain.event import Change, Event, State

SavedFilterSort = Literal[
    "rank", "-rank", "due", "-due", "priority", "-priority", "created", "-created", "updated", "-updated", "key", "-key"
]
"""What tasks are sorted by; `-` turns it round."""


class FilterSaved(Event, frozen=True):
    """The filter stands as it was written, so that `me` is whoever asks, and `today` the day they do."""

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
    """Under the name that it had last; its id is not used again."""

    name: str


class FiltersCounted(Event, frozen=True):
    """On the user's guard stream: so many filters of theirs are kept now. Each that comes or goes writes one."""

    filters: int


class SavedFilter(State, frozen=True):
    """What deciding needs to know of a saved filter. One that is deleted has no state, as if it had never been."""

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
    """How many filters a user keeps."""

    is_last_event_enough: ClassVar = True

    filters: int = 0

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.filters) if isinstance(event, FiltersCounted) else state


@lru_cache(maxsize=10_000)
def filter_count_stream_id(user_id: UUID) -> UUID:
    """The guard stream that counts the filters of a user."""
    return uuid5(user_id, "saved filters")
