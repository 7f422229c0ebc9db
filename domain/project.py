"""A project: a board of columns that holds tasks, with a key that starts their human names."""

from typing import Self
from uuid import UUID, uuid5

from msgspec import Struct

from domain.event import Event, State


class Column(Struct, frozen=True):
    """A place on the board. The id is for ever, the name may change."""

    id: str
    name: str


BOARD = (Column("todo", "To do"), Column("doing", "In progress"), Column("done", "Done"))


class ProjectCreated(Event, frozen=True):
    workspace_id: UUID
    name: str
    key: str
    columns: tuple[Column, ...]


class Project(State, frozen=True):
    """What deciding needs to know of a project."""

    workspace_id: UUID
    name: str
    key: str
    columns: tuple[Column, ...]

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if isinstance(event, ProjectCreated):
            return cls(event.workspace_id, event.name, event.key, event.columns)
        return super().evolve(state, event)

    def column(self, wanted: str) -> Column | None:
        """The column with that id or, in any case of letters, that name."""
        for column in self.columns:
            if wanted == column.id or wanted.casefold() == column.name.casefold():
                return column
        return None


class ProjectKeyReserved(Event, frozen=True):
    """On the key's reservation stream: no two projects of a workspace share a key."""

    key: str
    project_id: UUID


class ProjectKey(State, frozen=True):
    """Whose key it is."""

    project_id: UUID

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.project_id) if isinstance(event, ProjectKeyReserved) else state


def key_of(workspace: UUID, key: str) -> UUID:
    """The guard stream of a project key in a workspace."""
    return uuid5(workspace, f"project key {key}")
