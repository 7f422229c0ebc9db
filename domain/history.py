"""History: the fields that an event shows as changed, and the events that a reader selects."""

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import fields

from domain import codec
from domain.access import ACCESS_EVENTS
from domain.agent import AgentIntroduced
from domain.attachment import AttachmentsCounted
from domain.column import ColumnCounted
from domain.comment import CommentEdited, CommentPurged
from domain.custom_field import TaskFieldSet
from domain.event import ActorKind, Event, OpaqueEvent, RecordedEvent, change_fields, changes
from domain.project import ProjectKeyReserved, ProjectPurged
from domain.proposal import ProposalMade
from domain.rank import RanksRebalanced, RankTaken
from domain.relation import BlockAdded, BlockRemoved
from domain.saved_filter import FiltersCounted
from domain.subtask import SubtaskPlaced
from domain.task import TaskCompleted, TaskMoved, TaskNumbersTaken, TaskPurged, TaskRestored
from domain.time_entry import TimeEntryPurged

BOOKKEEPING_EVENTS: Final[frozenset[type[Event]]] = frozenset(
    (
        AgentIntroduced,
        AttachmentsCounted,
        BlockAdded,
        BlockRemoved,
        ColumnCounted,
        FiltersCounted,
        ProjectKeyReserved,
        RankTaken,
        RanksRebalanced,
        SubtaskPlaced,
        TaskNumbersTaken,
    )
)
"""Events of streams that guard a rule. No history lists them: each accompanies the event that a user caused."""
UNLISTED_EVENTS: Final[frozenset[type[Event]]] = BOOKKEEPING_EVENTS | ACCESS_EVENTS
"""Events that no history lists."""
PURGE_EVENTS: Final[tuple[type[Event], ...]] = (TaskPurged, CommentPurged, TimeEntryPurged, ProjectPurged)
"""The last events of streams whose content is no longer shown."""
_USUAL_FIELDS: Final[dict[type[Event], frozenset[str]]] = {
    CommentEdited: frozenset({"text"}),
    TaskCompleted: frozenset({"status"}),
    TaskFieldSet: frozenset(),
    TaskMoved: frozenset({"column", "rank"}),
    TaskRestored: frozenset({"trashed"}),
}
"""What events of a type mostly show, where that is not all that they can change."""


class HistoryFilter(Struct, frozen=True, omit_defaults=True):
    """The events to list; a field that is None does not filter.

    `field` is the name of a changed field as histories show it, `since` is inclusive, `until` is exclusive, and
    `command` is the id of the command that wrote or directly caused them.
    """

    actor: UUID | None = None
    kind: ActorKind | None = None
    type: str | None = None
    field: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    command: UUID | None = None

    def conditions(self) -> dict[str, object]:
        """The values to filter by, by field."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}


def subjects(recorded: RecordedEvent) -> tuple[UUID, ...]:
    """The streams with whose purge the content of an event goes: its own, its task's, its project's, those proposed."""
    found = (getattr(recorded.event, name, None) for name in ("task_id", "project_id"))
    proposed = recorded.event.subject_ids if isinstance(recorded.event, ProposalMade) else ()
    return (recorded.stream, *(stream for stream in found if isinstance(stream, UUID)), *proposed)


def is_purged(recorded: RecordedEvent, purged: Collection[UUID]) -> bool:
    """Whether the content of an event went with a purge of these streams; the purge itself is still told."""
    return not isinstance(recorded.event, PURGE_EVENTS) and any(stream in purged for stream in subjects(recorded))


def shown_fields(recorded: RecordedEvent) -> frozenset[str]:
    """The fields that a history shows as changed by an event; a custom field is `fields.` and its id."""
    event = recorded.event
    if type(event) is TaskFieldSet:
        return frozenset((event.changed_part,))
    if type(event) is OpaqueEvent:
        return frozenset()
    changed = frozenset(changes(event))
    return changed | _plain_fields(type(event)) if recorded.version == 1 else changed


def unusual_fields(recorded: RecordedEvent) -> tuple[str, ...] | None:
    """The shown fields, if they are not those that events of the type show mostly."""
    if type(recorded.event) is OpaqueEvent:
        return None
    shown = shown_fields(recorded)
    return None if shown == usual_fields(type(recorded.event)) else tuple(sorted(shown))


@cache
def usual_fields(event_type: type[Event]) -> frozenset[str]:
    """The fields that events of a type show mostly: all that they change or, if they change none, all that they say."""
    usual = _USUAL_FIELDS.get(event_type)
    return frozenset(change_fields(event_type)) or _plain_fields(event_type) if usual is None else usual


def types_usually_showing(field: str) -> list[str]:
    """The stored names of the types whose events mostly show this field."""
    return sorted(name for name, kind in codec.all_event_types().items() if field in usual_fields(kind))


def types_changing(field: str) -> list[str]:
    """The stored names of the types that have this field as a change."""
    return sorted(name for name, kind in codec.all_event_types().items() if field in change_fields(kind))


def types_saying(field: str) -> list[str]:
    """The stored names of the types that have this field as a plain value, which the first event of a stream shows."""
    return sorted(name for name, kind in codec.all_event_types().items() if field in _plain_fields(kind))


@cache
def known_fields() -> frozenset[str]:
    """All fields that any event can show, without custom fields."""
    return frozenset(name for kind in codec.all_event_types().values() for name in kind.__struct_fields__)


@cache
def _plain_fields(event_type: type[Event]) -> frozenset[str]:
    return frozenset(field.name for field in fields(event_type)) - frozenset(change_fields(event_type))
