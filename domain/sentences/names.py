"""Names: what sentences call the people, tasks, projects and columns that values have the ids of."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct


class TaskName(Struct, frozen=True):
    """The key and title of a task."""

    key: str
    title: str


class ProjectNames(Struct, frozen=True):
    """The name of a project, and the names of its columns by id."""

    name: str
    columns: Mapping[str, str]


class Names(Struct, frozen=True):
    """All names that the sentences of a page need, by id; what was purged or erased has none.

    `year` is the one whose dates are told without it.
    """

    people: Mapping[str, str] = {}
    tasks: Mapping[str, TaskName] = {}
    projects: Mapping[str, ProjectNames] = {}
    year: int = 0

    def column(self, project: str, column: str) -> str:
        """The name of a column of a project; of one that is gone, its id."""
        return self.projects[project].columns.get(column, column) if project in self.projects else column


class NamedChange(Struct, frozen=True):
    """A field's old and new value, as JSON has them, and the project that its document was and is in.

    `by` has the words for those who changed it, with a blank before them, or is empty. `field` is the name of a
    custom field.
    """

    old: Any
    new: Any
    by: str
    names: Names
    projects: tuple[str, str] = ("", "")
    field: str = ""

    @property
    def added(self) -> Sequence[Any]:
        """What the new list has and the old one has not."""
        return [one for one in self.new or () if one not in (self.old or ())]

    @property
    def removed(self) -> Sequence[Any]:
        """What the old list has and the new one has not."""
        return [one for one in self.old or () if one not in (self.new or ())]

    @property
    def columns(self) -> tuple[str, str]:
        """The names of the old and the new column."""
        old, new = self.projects
        return self.names.column(old, self.old), self.names.column(new, self.new)
