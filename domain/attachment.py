"""An attachment: a file of one task. The log has its name, size, type and hash; its bytes are in the blob store."""

from functools import lru_cache
from typing import ClassVar, Self
from uuid import UUID, uuid5

from domain.event import Event, State, record_from


class AttachmentAdded(Event, frozen=True):
    """The size is in bytes, the SHA-256 in hexadecimal digits, the media type as the client named it."""

    task_id: UUID
    project_id: UUID
    workspace_id: UUID
    name: str
    size: int
    media_type: str
    sha256: str

    def touches(self) -> tuple[UUID]:
        """Its task."""
        return (self.task_id,)


class AttachmentRemoved(Event, frozen=True):
    """With its name; its id is never reused, and its bytes are deleted soon after."""

    task_id: UUID
    name: str

    def touches(self) -> tuple[UUID]:
        """Its task."""
        return (self.task_id,)


class AttachmentsCounted(Event, frozen=True):
    """On the task's guard stream: the number of its attachments, written with each that is added or removed."""

    attachments: int


class Attachment(State, frozen=True):
    """The state of an attachment, for decisions and downloads. A removed one has no state."""

    task_id: UUID
    workspace_id: UUID
    name: str
    size: int
    media_type: str
    sha256: str

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if isinstance(event, AttachmentAdded):
            return record_from(cls, event)
        return None if isinstance(event, AttachmentRemoved) else super().evolve(state, event)


class AttachmentCount(State, frozen=True):
    """The number of attachments of a task."""

    is_last_event_enough: ClassVar = True

    attachments: int = 0

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.attachments) if isinstance(event, AttachmentsCounted) else state


@lru_cache(maxsize=10_000)
def attachment_count_stream_id(task_id: UUID) -> UUID:
    """The guard stream that counts the attachments of a task."""
    return uuid5(task_id, "attachments")
