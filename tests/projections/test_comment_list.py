"""The comment list: rows equal the comments, and the words are those of the present text."""

import pytest

from domain.comment import CommentAdded
from domain.event import Change
from infra.settings import Settings
from projections import comment_list
from projections.comment_list import StoredCommentRow
from projections.engine.connection import SyncConnection
from projections.search_vector import description_vector
from tests.examples import (
    ADA,
    CAT,
    COMMENT,
    COMMENT_ADDED,
    COMMENT_DELETED,
    COMMENT_EDITED,
    COMMENT_PURGED,
    OTHER_PROJECT,
    PROJECT,
    PURGED,
    REACTION_ADDED,
    REACTION_REMOVED,
    REPLY,
    TASK,
    TRASHED,
    WORKSPACE,
    Fact,
    comment,
    project,
    task,
    workspace,
)
from tests.projections import oracle
from tests.projections.test_task_search import LONGEST_TEXTS

pytestmark = pytest.mark.slow


def stored(database: SyncConnection, *facts: Fact) -> StoredCommentRow:
    oracle.append_facts(database, [*workspace(), *project(), *task(), *facts])
    oracle.catch_up(database)
    row: StoredCommentRow = oracle.serving_rows(database, comment_list.projection)[COMMENT]
    return row


def test_a_row_has_the_comment_and_its_words(database: SyncConnection) -> None:
    row = stored(database, *comment(REACTION_ADDED))
    assert (row.workspace_id, row.task_id, row.project_id, row.created_by) == (WORKSPACE, TASK, PROJECT, ADA.id)
    assert (row.text, row.mentions, row.version) == (COMMENT_ADDED.text, (CAT.id,), 2)
    assert [(each.emoji, each.users) for each in row.reactions] == [(REACTION_ADDED.emoji.new, (ADA.id,))]
    assert row.words == description_vector(COMMENT_ADDED.text)
    assert row.edited_at is None


def test_an_edit_replaces_the_words(database: SyncConnection) -> None:
    row = stored(database, *comment(REACTION_ADDED, COMMENT_EDITED, REACTION_REMOVED))
    assert (row.text, row.mentions, row.reactions) == ("The oat one", (), ())
    assert row.words == description_vector("The oat one")
    assert row.edited_at is not None


def test_a_deleted_comment_leaves_no_text(database: SyncConnection) -> None:
    row = stored(database, *comment(REACTION_ADDED, COMMENT_DELETED), *comment(comment_id=REPLY, reply_to=COMMENT))
    assert (row.deleted, row.text, row.mentions, row.reactions) == (True, "", (), ())
    assert row.words == description_vector("")


def test_a_purged_comment_leaves_nothing(database: SyncConnection) -> None:
    oracle.append_facts(database, [*workspace(), *project(), *task(TRASHED, PURGED), *comment(COMMENT_PURGED)])
    oracle.catch_up(database)
    assert oracle.serving_rows(database, comment_list.projection) == {}


def test_a_change_is_told_to_the_project_that_the_task_was_in(database: SyncConnection) -> None:
    moved = CommentAdded(WORKSPACE, OTHER_PROJECT, TASK, ADA.id, "x")
    assert {TASK, OTHER_PROJECT, WORKSPACE} == set(comment_list.scopes(stored(database, (COMMENT, moved))))


def test_the_longest_texts_are_indexed(database: SyncConnection, settings: Settings) -> None:
    facts = [(COMMENT, COMMENT_ADDED)]
    before = COMMENT_ADDED.text
    edits = []
    for text in LONGEST_TEXTS.values():
        edits.append((COMMENT, type(COMMENT_EDITED)(TASK, PROJECT, Change(before, text), Change((), ()))))
        before = text
    stored(database, *facts, *edits)
    assert oracle.matches_log(database)
    assert not oracle.parked_documents(database, "comment_list")
    assert oracle.rebuild_inline(settings.database_url, "comment_list").switched
