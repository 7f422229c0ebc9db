"""Comments in imported files: carried over with their author and time, or told to be left out."""

from typing import Any

import pytest

from cli.import_.comments import MAX_COMMENTS_PER_TASK
from commands.comment import AddComment
from commands.task import CompleteTask, CreateTask
from commands.trash import TrashTask
from tests.cli.import_.planned_import import PlannedImport, plan


def planned(comments: object, **more: Any) -> PlannedImport:
    return plan([{"title": "A", "comments": comments, **more}])


@pytest.mark.parametrize(
    ("comment", "text"),
    [
        ("Which one?", "Which one?"),
        ({"text": "Which one?"}, "Which one?"),
        ({"body": "Which?", "author": "Bob Smith"}, "Bob Smith:\n\nWhich?"),
        ({"body": "Which?", "user": {"login": "bob"}, "created_at": "2025-01-02"}, "bob, 2025-01-02:\n\nWhich?"),
        ({"content": "Which?", "createdAt": "2025-01-02T10:00:00Z"}, "2025-01-02T10:00:00Z:\n\nWhich?"),
        ({"html": "<p>Which?</p>", "author": {"displayName": "Bob\nS."}}, "Bob S.:\n\nWhich?"),
    ],
)
def test_a_comment_keeps_its_text_author_and_time(comment: object, text: str) -> None:
    found = planned([comment])
    assert found.tasks["A"].comments == (text,)
    assert not found.ignored_fields
    assert "became comments of yours" in found.report


@pytest.mark.parametrize("value", [7, "two", {"totalCount": 2}, [{"id": 7}], ["", " "]])
def test_what_has_no_text_is_told_to_be_left_out(value: object) -> None:
    found = planned(value)
    assert found.tasks["A"].comments == ()
    assert found.ignored_fields == {"comments": 1}


def test_comments_that_cannot_be_are_left_out_one_by_one() -> None:
    found = planned(["First", {"id": 7}, "a\x00b", "x" * 50_001])
    assert found.tasks["A"].comments == ("First", "x" * 50_000)
    assert {"without a text", "invalid characters", "were cut"} <= {
        part for part in ("without a text", "invalid characters", "were cut") if part in found.report
    }
    many = planned([f"Number {number}" for number in range(MAX_COMMENTS_PER_TASK + 1)])
    assert len(many.tasks["A"].comments) == MAX_COMMENTS_PER_TASK
    assert "after the first 500" in many.report


def test_comments_are_added_before_a_task_goes_to_the_trash() -> None:
    (task,) = planned(["First", "Second"], done=True, deleted=True).tasks.values()
    kinds = [type(one.command) for one in task.commands]
    assert kinds == [CreateTask, CompleteTask, AddComment, AddComment, TrashTask]
    assert task.commands[-1].command.expected_version == 2
    assert len({one.target for one in task.commands}) == 3
    (again,) = planned(["First", "Second"], done=True, deleted=True).tasks.values()
    assert again.commands == task.commands
