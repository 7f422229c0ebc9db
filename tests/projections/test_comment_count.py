"""The count of comments on a task equals a recount, also after a rebuild; a planted defect breaks it."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.comment import Comment, CommentDeleted
from domain.event import RecordedEvent, fold
from domain.watch import Watchers
from infra.settings import Settings
from projections import task_list
from projections.engine.connection import SyncConnection
from projections.fingerprint import fold_history
from projections.task_list import StoredTaskRow, folding
from tests.commands.comment_laws import ActedCommand, conversations, initial_history, written
from tests.examples import (
    ADA,
    CAT,
    COMMAND_ID,
    COMMENT,
    COMMENT_DELETED,
    COMMENT_EDITED,
    OTHER_COMMENT,
    OTHER_TASK,
    REACTION_ADDED,
    RENAMED,
    REPLY,
    TASK,
    WORKSPACE,
    Facts,
    comment,
    project,
    task,
    workspace,
)
from tests.given import OCCURRED_AT, EventHistory
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.projections import oracle


def recorded_events(facts: Facts) -> list[RecordedEvent]:
    versions = Counter[UUID]()
    found = []
    for position, (stream, event) in enumerate(facts, 1):
        versions[stream] += 1
        version = versions[stream]
        found.append(
            RecordedEvent(position, stream, version, event, ADA, COMMAND_ID, WORKSPACE, OCCURRED_AT, OCCURRED_AT)
        )
    return found


@law(conversations, examples=200)
def the_count_equals_a_recount(conversation: Sequence[ActedCommand]) -> None:
    facts = [*initial_history().facts, *((stream, event) for _, stream, event, _ in written(conversation))]
    rows = fold_history(task_list.projection, recorded_events(facts))
    history = EventHistory(facts)
    states = [fold(Comment, history.events(stream)) for stream in history.streams]
    recounted = Counter(state.task_id for state in states if state and not state.deleted)
    assert {id_: rows[id_].comments for id_ in (TASK, OTHER_TASK)} == {
        id_: recounted[id_] for id_ in (TASK, OTHER_TASK)
    }


def test_the_count_equals_a_recount() -> None:
    the_count_equals_a_recount()


def test_a_deletion_that_is_not_counted_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    after_touch = folding._after_touch  # noqa: SLF001 - the defect belongs in this function

    def forgetful(row: StoredTaskRow, recorded: RecordedEvent) -> StoredTaskRow:
        return row if isinstance(recorded.event, CommentDeleted) else after_touch(row, recorded)

    monkeypatch.setattr(folding, "_after_touch", forgetful)
    assert_check_fails(the_count_equals_a_recount)


def test_a_comment_is_no_change_of_the_task_itself(database: SyncConnection) -> None:
    oracle.append_facts(database, [*workspace(), *project(), *task(RENAMED)])
    oracle.catch_up(database)
    before = oracle.serving_rows(database, task_list.projection)[TASK]
    oracle.append_facts(database, comment(REACTION_ADDED, COMMENT_EDITED))
    oracle.catch_up(database)
    after = oracle.serving_rows(database, task_list.projection)[TASK]
    assert after == replace(before, comments=1, watchers=Watchers((ADA.id, CAT.id)))


def test_a_rebuild_counts_alike(database: SyncConnection, settings: Settings) -> None:
    oracle.append_facts(database, [*workspace(), *project(), *task(), *task(task_id=OTHER_TASK, number=2)])
    oracle.append_facts(database, [*comment(REACTION_ADDED), *comment(COMMENT_DELETED, comment_id=OTHER_COMMENT)])
    oracle.catch_up(database)
    oracle.append_facts(database, [*comment(comment_id=REPLY, reply_to=COMMENT), (TASK, RENAMED)])
    oracle.catch_up(database)
    rows = oracle.serving_rows(database, task_list.projection)
    assert (rows[TASK].comments, rows[OTHER_TASK].comments) == (2, 0)
    assert oracle.matches_log(database)
    assert oracle.rebuild_inline(settings.database_url, "task_list").switched
    assert oracle.serving_rows(database, task_list.projection) == rows
