"""A project: a board of columns with tasks, and the key that prefixes their numbers."""

from collections.abc import Iterable
from typing import Literal, Self, TypeVar
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct

from domain.column import Column, comparable_name
from domain.custom_field import CustomField, FieldOption, TaskFieldSet
from domain.event import Change, Event, State

N = TypeVar("N", CustomField, FieldOption)
WipPolicy = Literal["warn", "refuse"]
"""What happens when a task enters a full column."""


class ProjectCreated(Event, frozen=True):
    workspace_id: UUID
    name: str
    key: str
    columns: tuple[Column, ...]


class ProjectRenamed(Event, frozen=True):
    name: Change[str]


class ColumnsSet(Event, frozen=True):
    """A removed column accepts no new tasks; those in it stay until they are moved."""

    columns: Change[tuple[Column, ...]]
    wip: Change[WipPolicy]


class ProjectFieldsSet(Event, frozen=True):
    """The custom fields of its tasks; those of a field that is left out keep their values, and do not show them."""

    fields: Change[tuple[CustomField, ...]]


class ArchiveRuleSet(Event, frozen=True):
    """After how many days unchanged its done tasks are archived; null: never."""

    archive_after: Change[int | None]


class ProjectArchived(Event, frozen=True):
    archived: Change[bool] = Change(old=False, new=True)


class ProjectTrashed(Event, frozen=True):
    name: str
    key: str
    trashed: Change[bool] = Change(old=False, new=True)


class ProjectRestored(Event, frozen=True):
    """In use again, out of the trash or the archive."""

    trashed: Change[bool]
    archived: Change[bool]


class ProjectPurged(Event, frozen=True):
    """Permanently deleted from the trash; its tasks follow."""

    purged: Change[bool] = Change(old=False, new=True)


MAX_FORMER_FIELDS = 200
"""Of a project: the last fields that were left out, and the last options, are remembered."""


class FormerName(Struct, frozen=True):
    """A name, as names are compared, that columns had and lost, with the id of the last of them."""

    name: str
    column_id: str


class Project(State, frozen=True):
    """The state of a project that decisions need; `removed` are the ids of its former columns.

    `former_fields` are the custom fields that were left out, with their last names; `former_options` the options.
    """

    workspace_id: UUID
    name: str
    key: str
    columns: tuple[Column, ...]
    wip: WipPolicy = "warn"
    removed: tuple[str, ...] = ()
    former_names: tuple[FormerName, ...] = ()
    fields: tuple[CustomField, ...] = ()
    former_fields: tuple[CustomField, ...] = ()
    former_options: tuple[FieldOption, ...] = ()
    archive_after: int | None = None
    archived: bool = False
    trashed: bool = False
    purged: bool = False

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if isinstance(event, ProjectCreated):
            return cls(event.workspace_id, event.name, event.key, event.columns)
        if isinstance(event, TaskFieldSet):  # a value in the `fields` of a task
            return state
        after = super().evolve(state, event)
        if state and after and isinstance(event, ColumnsSet):
            current_ids = {column.id for column in after.columns}
            ids = dict.fromkeys([*state.removed, *(column.id for column in state.columns)])
            return msgspec.structs.replace(
                after,
                removed=tuple(each for each in ids if each not in current_ids),
                former_names=state.names_lost_to(after.columns),
            )
        if state and after and isinstance(event, ProjectFieldsSet):
            return msgspec.structs.replace(
                after,
                former_fields=_former((*state.former_fields, *state.fields), after.fields),
                former_options=_former((*state.former_options, *_options(state.fields)), _options(after.fields)),
            )
        return after

    @property
    def done_column(self) -> Column | None:
        """The column in which tasks are done, if the board has one."""
        return next((column for column in self.columns if column.done), None)

    def with_columns(self, columns: Iterable[Column]) -> Self:
        """The project with other columns."""
        return msgspec.structs.replace(self, columns=tuple(columns))

    def find_column(self, id_or_name: str) -> Column | None:
        """The column with that id, or else with that name, in any spelling."""
        by_id = self.find_column_by_id(id_or_name)
        if by_id is not None:
            return by_id
        wanted = comparable_name(id_or_name)
        return next((column for column in self.columns if comparable_name(column.name) == wanted), None)

    def find_former_column_id(self, id_or_name: str) -> str | None:
        """The id of the column that had that id, or else was the last to have that name."""
        if id_or_name in self.removed:
            return id_or_name
        wanted = comparable_name(id_or_name)
        return next((one.column_id for one in self.former_names if one.name == wanted), None)

    def find_removed_id_by_name(self, name: str) -> str | None:
        """The id of the removed column that was the last to have that name."""
        wanted = comparable_name(name)
        return next(
            (one.column_id for one in self.former_names if one.name == wanted and one.column_id in self.removed), None
        )

    def names_lost_to(self, columns: Iterable[Column]) -> tuple[FormerName, ...]:
        """The names, former ones too, that a board with these columns no longer has."""
        names = {one.name: one.column_id for one in self.former_names}
        names |= {comparable_name(column.name): column.id for column in self.columns}
        current = {comparable_name(column.name) for column in columns}
        return tuple(FormerName(name, column_id) for name, column_id in names.items() if name not in current)

    def find_column_by_id(self, column_id: str) -> Column | None:
        """The column with that id."""
        return next((column for column in self.columns if column.id == column_id), None)


def _options(fields: Iterable[CustomField]) -> tuple[FieldOption, ...]:
    return tuple(option for field in fields for option in field.options)


def _former(known: Iterable[N], current: Iterable[N]) -> tuple[N, ...]:
    """The last of those known that are not current."""
    current_ids = {one.id for one in current}
    former = {one.id: one for one in known if one.id not in current_ids}
    return tuple(former.values())[-MAX_FORMER_FIELDS:]


class ProjectKeyReserved(Event, frozen=True):
    """On the key's reservation stream: keys are unique in a workspace."""

    key: str
    project_id: UUID


class ProjectKey(State, frozen=True):
    """The project that holds a key."""

    project_id: UUID

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.project_id) if isinstance(event, ProjectKeyReserved) else state


def project_key_stream_id(workspace_id: UUID, key: str) -> UUID:
    """The guard stream of a project key in a workspace."""
    return uuid5(workspace_id, f"project key {key}")
