"""The attachments of tasks: their list and their count, which follow the task into a purge."""

from projections import attachment_list, task_list
from projections.engine.connection import SyncConnection
from tests.examples import (
    ATTACHMENT,
    ATTACHMENT_REMOVED,
    OTHER_ATTACHMENT,
    PURGED,
    TASK,
    TRASHED,
    Facts,
    attachment,
    project,
    task,
    user,
    workspace,
)
from tests.projections import oracle

TWO: Facts = [*attachment(), *attachment(attachment_id=OTHER_ATTACHMENT, count=2)]


def append(database: SyncConnection, *facts: Facts) -> None:
    oracle.append_facts(database, [fact for several in facts for fact in several])
    oracle.catch_up(database)


def listed(database: SyncConnection) -> list[object]:
    rows = oracle.serving_rows(database, attachment_list.projection)
    return [one.id for one in rows[TASK].attachments] if TASK in rows else []


def counted(database: SyncConnection) -> int:
    return int(oracle.serving_rows(database, task_list.projection)[TASK].attachments)


def test_attachments_are_listed_and_counted(database: SyncConnection) -> None:
    append(database, user(), workspace(), project(), task(), TWO)
    assert (listed(database), counted(database)) == ([ATTACHMENT, OTHER_ATTACHMENT], 2)
    append(database, [(ATTACHMENT, ATTACHMENT_REMOVED)])
    assert (listed(database), counted(database)) == ([OTHER_ATTACHMENT], 1)
    append(database, [(OTHER_ATTACHMENT, ATTACHMENT_REMOVED)])
    assert (listed(database), counted(database)) == ([], 0)
    assert oracle.serving_rows(database, attachment_list.projection) == {}
    assert oracle.matches_log(database)


def test_a_purged_task_has_no_attachments(database: SyncConnection) -> None:
    append(database, user(), workspace(), project(), task(), TWO)
    append(database, task(TRASHED, PURGED)[-2:])
    assert oracle.serving_rows(database, attachment_list.projection) == {}
    assert oracle.matches_log(database)


def test_an_attachment_does_not_change_the_version_of_its_task(database: SyncConnection) -> None:
    append(database, user(), workspace(), project(), task(), TWO)
    assert oracle.serving_rows(database, task_list.projection)[TASK].version == 1
