"""What a change did to a stream: each field that its events changed, with the values before and after."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.comment import Comment, CommentAdded
from domain.errors import NotRevertible
from domain.event import Event, RecordedEvent, State
from domain.history import BOOKKEEPING_EVENTS
from domain.label import Label, LabelColoured
from domain.project import Project, ProjectCreated
from domain.revert import ChangeReverted, Revert
from domain.saved_filter import FilterSaved, SavedFilter
from domain.task import Task, TaskCreated
from domain.time_entry import TimeEntry, TimeEntryAdded
from domain.watch import ProjectWatch, ProjectWatchSet, TaskUnwatched, TaskWatch, TaskWatched

FIRST_EVENTS: Final[Mapping[type[Event], type[State]]] = {
    TaskCreated: Task,
    ProjectCreated: Project,
    CommentAdded: Comment,
    TimeEntryAdded: TimeEntry,
    FilterSaved: SavedFilter,
    LabelColoured: Label,
    TaskWatched: TaskWatch,
    TaskUnwatched: TaskWatch,
    ProjectWatchSet: ProjectWatch,
    ChangeReverted: Revert,
}
"""The state of a stream that begins with one of these can be restored."""
DERIVED_FIELDS: Final[Mapping[type[State], Collection[str]]] = {
    Task: {"completed_from", "next", "trashed_with", "archived_with"},
    Project: {"removed", "former_names", "former_fields", "former_options"},
    Comment: {"mentions"},
}
"""Fields that follow from others: they are restored with these, and never collide."""
VALUE_WITHOUT_EVENTS: Final[Mapping[type[State], tuple[str, Any]]] = {
    Label: ("colour", None),
    TaskWatch: ("watching", None),
    ProjectWatch: ("level", None),
    Revert: ("reverted", False),
}
"""Of streams whose first event creates nothing: the field that it changes, and its value before."""
STATE_TYPES: Final = {kind.__name__: kind for kind in FIRST_EVENTS.values()}
_ID_CHARACTERS: Final = 36
EXISTENCE: Final = ""
"""The name of the field that a creation or a deletion changes: its values are whole states, or None."""


class FieldChange(Struct, frozen=True):
    """A field, with its value before an event and after it; `is_overwritten` if another actor changed it since."""

    field: str
    old: Any
    new: Any
    is_overwritten: bool = False


class ChangedStream(Struct, frozen=True):
    """What a change did to a stream, the last event first; `kind` names its state.

    `subject` is the task or the project that its first event is about, if the stream is about another one.
    """

    stream: UUID
    kind: str
    fields: tuple[FieldChange, ...]
    subject: UUID | None = None


def changed_streams(
    positions: Collection[int], histories: Mapping[UUID, Sequence[RecordedEvent]]
) -> tuple[ChangedStream, ...]:
    """What the events at these positions did to each stream, the last one first. Raises NotRevertible."""
    newest = [
        (max(one.position for one in history if one.position in positions), stream)
        for stream, history in histories.items()
        if type(history[0].event) not in BOOKKEEPING_EVENTS
    ]
    return tuple(_changed_stream(stream, positions, histories[stream]) for _, stream in sorted(newest, reverse=True))


def is_revertible(positions: Collection[int], history: Sequence[RecordedEvent]) -> bool:
    """Whether what these events did to a stream can be taken back."""
    try:
        changed_streams(positions, {history[0].stream: history})
    except NotRevertible:
        return False
    return True


def _changed_stream(stream: UUID, positions: Collection[int], history: Sequence[RecordedEvent]) -> ChangedStream:
    first = history[0].event
    kind = FIRST_EVENTS.get(type(first))
    if kind is None:
        raise NotRevertible
    fields = [change for recorded in _field_changes(kind, positions, history) for change in recorded]
    subject = getattr(first, "task_id", None) or getattr(first, "project_id", None)
    return ChangedStream(stream, kind.__name__, tuple(reversed(fields)), subject)


def _field_changes(
    kind: type[State], positions: Collection[int], history: Sequence[RecordedEvent]
) -> Iterator[list[FieldChange]]:
    """What the events at these positions changed, those in a row together. Raises NotRevertible for what is purged."""
    overwritten = last_other_changes(kind, positions, history)
    state: State | None = None
    start: State | None = None
    is_in_row = False
    for place, recorded in enumerate(history):
        before, state = state, kind.evolve(state, recorded.event)
        if getattr(state, "purged", False):
            raise NotRevertible
        was_in_row, is_in_row = is_in_row, recorded.position in positions
        if is_in_row and not was_in_row:
            start = before
        if was_in_row and not is_in_row:
            row = changes_between(kind, start, before)
            yield [replace(one, is_overwritten=overwritten.get(one.field, -1) >= place) for one in row]
    if is_in_row:
        yield changes_between(kind, start, state)


def changes_between(kind: type[State], before: State | None, after: State | None) -> list[FieldChange]:
    if kind in VALUE_WITHOUT_EVENTS:
        field, value = VALUE_WITHOUT_EVENTS[kind]
        return [FieldChange(field, getattr(before, field, value), getattr(after, field, value))]
    if before is None or after is None:
        return [FieldChange(EXISTENCE, before, after)] if before != after else []
    pairs = ((field, getattr(before, field), getattr(after, field)) for field in kind.__struct_fields__)
    return [FieldChange(*pair) for pair in pairs if pair[1] != pair[2]]


def last_other_changes(
    kind: type[State], positions: Collection[int], history: Sequence[RecordedEvent]
) -> Mapping[str, int]:
    """For each field the place of the last event by others than those at these positions that changed it.

    Without events whose change was reverted. A revert is no change of its own: it says which one is in force.
    """
    authors = {one.actor.id for one in history if one.position in positions}
    changes, found, state = _Changes(), list[tuple[int, str, list[FieldChange]]](), None
    for place, recorded in enumerate(history):
        before, state = state, kind.evolve(state, recorded.event)
        change = changes.add(recorded)
        if change and recorded.actor.id not in authors:
            found.append((place, change, changes_between(kind, before, state)))
    in_force = (one for one in found if one[1] not in changes.reverted)
    return {one.field: place for place, _, fields in in_force for one in fields if one.old != one.new}


class _Changes:
    """The changes of a stream by the ids that a revert may name, and those that are reverted."""

    def __init__(self) -> None:
        self.reverted = set[str]()
        self._known = dict[str, str]()
        self._reverts = set[str]()

    def add(self, recorded: RecordedEvent) -> str | None:
        """The change that the next event is part of; None for a revert."""
        command, cause = str(recorded.command_id), recorded.trace.causation_id or ""
        if command not in self._known:
            if cause in self._known:
                change = self._known[command] = self._known[cause]
                self._reverts.add(command)
                self.reverted ^= {change}
            else:
                self._known[command] = command
                if len(cause) == _ID_CHARACTERS:  # of a bulk change, and no span
                    self._known[cause] = command
        return None if command in self._reverts else self._known[command]
