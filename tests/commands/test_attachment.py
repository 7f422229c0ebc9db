"""Commands on the attachments of a task."""

import pytest
from msgspec.structs import replace

from commands.attachment import MAX_ATTACHMENTS_PER_TASK, AddAttachment, RemoveAttachment
from commands.command import OtherStreamEvent
from domain.attachment import AttachmentsCounted, attachment_count_stream_id
from domain.errors import IdTaken, NotFound, Purged, TaskIsTrashed, TooManyAttachments
from domain.event import Event
from tests.examples import (
    ATTACHMENT_ADDED,
    ATTACHMENT_REMOVED,
    BOB,
    OTHER_ATTACHMENT,
    OTHER_TASK,
    PURGED,
    TASK,
    TRASHED,
    attachment,
    member,
    project,
    task,
    workspace,
)
from tests.given import Given, given

ADD = AddAttachment(
    task_id=TASK,
    name=ATTACHMENT_ADDED.name,
    size=ATTACHMENT_ADDED.size,
    media_type=ATTACHMENT_ADDED.media_type,
    sha256=ATTACHMENT_ADDED.sha256,
)


def given_task(*later: Event) -> Given:
    return given(workspace(), project(), task(*later))


def given_attachment(*later: Event, count: int = 1) -> Given:
    return given(workspace(), project(), task(), attachment(*later, count=count))


def counted(number: int) -> OtherStreamEvent:
    return OtherStreamEvent(attachment_count_stream_id(TASK), AttachmentsCounted(number))


def test_an_attachment_is_added_with_what_is_known_of_its_bytes() -> None:
    given_task().when(ADD).then(ATTACHMENT_ADDED, counted(1))


def test_the_same_file_can_be_attached_again() -> None:
    given_attachment().when(ADD, on=OTHER_ATTACHMENT).then(ATTACHMENT_ADDED, counted(2))


def test_an_id_is_used_once() -> None:
    given_attachment().when(ADD).then_refused(IdTaken)
    given_attachment(ATTACHMENT_REMOVED).when(ADD).then_refused(IdTaken)


def test_a_task_has_a_maximum_of_attachments() -> None:
    full = given_attachment(count=MAX_ATTACHMENTS_PER_TASK)
    full.when(ADD, on=OTHER_ATTACHMENT).then_refused(TooManyAttachments)
    full.when(RemoveAttachment()).then(ATTACHMENT_REMOVED, counted(MAX_ATTACHMENTS_PER_TASK - 1))


@pytest.mark.parametrize("task_id", [None, OTHER_TASK])
def test_a_task_that_does_not_exist_is_not_found(task_id: None) -> None:
    given_task().when(replace(ADD, task_id=task_id)).then_refused(NotFound)


def test_an_attachment_is_removed_once() -> None:
    given_attachment().when(RemoveAttachment()).then(ATTACHMENT_REMOVED, counted(0))
    given_attachment(ATTACHMENT_REMOVED).when(RemoveAttachment()).then_refused(NotFound)


def test_nothing_is_attached_or_removed_in_the_trash() -> None:
    given_task(TRASHED).when(ADD).then_refused(TaskIsTrashed)
    trashed = given(workspace(), project(), task(TRASHED), attachment())
    trashed.when(RemoveAttachment()).then_refused(TaskIsTrashed)


def test_nothing_is_attached_or_removed_after_a_purge() -> None:
    given_task(TRASHED, PURGED).when(ADD).then_refused(Purged)
    purged = given(workspace(), project(), task(TRASHED, PURGED), attachment())
    purged.when(RemoveAttachment()).then_refused(Purged)


def test_strangers_find_no_attachment() -> None:
    given_attachment().when(RemoveAttachment(), actor=BOB).then_refused(NotFound)
    given_task().when(ADD, actor=BOB).then_refused(NotFound)


def test_any_member_may_remove_what_another_added() -> None:
    given(workspace(), member(BOB), project(), task(), attachment()).when(RemoveAttachment(), actor=BOB).then(
        ATTACHMENT_REMOVED, counted(0)
    )
