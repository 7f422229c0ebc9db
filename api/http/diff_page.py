"""A page of a diff: documents that differ between two moments, as clients see them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, field

from api.http.history_items import ActorInfo
from domain.diff import DiffChange, Kind


class DiffEvent(Struct, frozen=True):
    """An event that changed something; `stream` and `version` are its own, as those of a comment on a task."""

    position: int
    version: int
    type: str
    at: datetime
    actor: ActorInfo
    command_id: UUID
    stream: UUID


class DiffField(Struct, frozen=True):
    """A field that differs; `events` are the positions of those that changed it in between, at most the last 100.

    A custom field is `fields.` and its name. Of what was added or removed, all fields are there.
    """

    field: str
    old: Any
    new: Any
    events: list[int]


class DiffItem(Struct, frozen=True):
    """A document that differs: what is in the trash, or a deleted comment, is not there.

    A task has its `key` and `title`, a project its key and name, a comment those of its task, null once that is
    purged. One that is `changed` in `version` and `updated_at` alone was changed and changed back.
    """

    kind: Kind
    id: UUID
    key: str | None
    title: str | None
    change: DiffChange
    fields: list[DiffField]
    events: list[DiffEvent]
    sentences: list[str]


class DiffMoment(Struct, frozen=True):
    """A moment: the last position of the log that belongs to it, and its time, null before the first event."""

    position: int
    at: datetime | None


class DiffPage(Struct, frozen=True):
    """A page of a diff, and the moments that it compares."""

    items: list[DiffItem]
    next_cursor: str | None
    from_: DiffMoment = field(name="from")
    to: DiffMoment
