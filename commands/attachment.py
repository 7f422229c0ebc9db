"""Commands about an attachment of a task: add, once its bytes are stored, and remove."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import Command, DecisionContext, OtherStreamEvent, require_found
from commands.field_types import FileName, FileSize, MediaType, Sha256
from commands.task_command import load_editable_task
from domain.attachment import (
    Attachment,
    AttachmentAdded,
    AttachmentCount,
    AttachmentRemoved,
    AttachmentsCounted,
    attachment_count_stream_id,
)
from domain.errors import TooManyAttachments
from domain.event import Event
from domain.task import Task

MAX_ATTACHMENTS_PER_TASK = 200
"""Per task."""


class AddAttachment(Command[Attachment], frozen=True, kw_only=True):
    """Add an attachment to a task. Its bytes are stored under its id before."""

    state_type: ClassVar = Attachment
    creates: ClassVar = True
    is_batchable: ClassVar = False

    task_id: UUID | None = None
    name: FileName
    size: FileSize
    media_type: MediaType
    sha256: Sha256

    def resolve_workspace_id(self, state: Attachment | None, context: DecisionContext) -> UUID:
        return require_found(context(Task, require_found(self.task_id))).workspace_id

    def decide(self, state: Attachment | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task_id = require_found(self.task_id)
        task = load_editable_task(task_id, context)
        count = _count_attachments(task_id, context)
        if count >= MAX_ATTACHMENTS_PER_TASK:
            raise TooManyAttachments(most=MAX_ATTACHMENTS_PER_TASK)
        yield AttachmentAdded(
            task_id, task.project_id, task.workspace_id, self.name, self.size, self.media_type, self.sha256
        )
        yield OtherStreamEvent(attachment_count_stream_id(task_id), AttachmentsCounted(count + 1))


class RemoveAttachment(Command[Attachment], frozen=True, kw_only=True):
    """Remove an attachment from its task. Its bytes are deleted within hours."""

    state_type: ClassVar = Attachment

    def resolve_workspace_id(self, state: Attachment | None, context: DecisionContext) -> UUID:
        return require_found(state).workspace_id

    def decide(self, state: Attachment | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        attachment = require_found(state)
        load_editable_task(attachment.task_id, context)
        yield AttachmentRemoved(attachment.task_id, attachment.name)
        left = _count_attachments(attachment.task_id, context) - 1
        yield OtherStreamEvent(attachment_count_stream_id(attachment.task_id), AttachmentsCounted(left))


def _count_attachments(task_id: UUID, context: DecisionContext) -> int:
    """How many attachments a task has; the append asserts it."""
    return (context(AttachmentCount, attachment_count_stream_id(task_id)) or AttachmentCount()).attachments
