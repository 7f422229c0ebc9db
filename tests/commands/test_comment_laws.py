"""The laws of comments hold, and planted defects break them."""

from collections.abc import Callable
from uuid import UUID

import msgspec
import pytest

from commands import comment
from commands.command import DecisionContext
from domain import comment as comment_events
from domain.comment import Comment, Reaction, Reactions
from domain.mention import find_mentions
from domain.task import Task
from tests.commands import comment_laws
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow

Check = Callable[[], None]
LAWS: list[Check] = [
    comment_laws.only_its_author_changes_what_a_comment_says,
    comment_laws.replies_are_one_level_deep_and_on_the_same_task,
    comment_laws.those_who_are_mentioned_are_members,
    comment_laws.each_reaction_is_of_each_user_once,
]


@pytest.mark.parametrize("check", LAWS)
def test_the_laws_of_comments_hold(check: Check) -> None:
    check()


def everybody_is_the_author(patch: pytest.MonkeyPatch) -> None:
    require_live = comment._require_live  # noqa: SLF001 - the defect belongs in this function

    def as_own(state: Comment | None, context: DecisionContext) -> tuple[Comment, Task]:
        found, task = require_live(state, context)
        return msgspec.structs.replace(found, user_id=context.actor.user_id), task

    patch.setattr(comment, "_require_live", as_own)


def any_comment_can_be_replied_to(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(comment, "_require_repliable", lambda *_: None)


def mentions_are_not_asserted(patch: pytest.MonkeyPatch) -> None:
    def named(text: str, workspace_id: UUID, context: DecisionContext) -> tuple[UUID, ...]:
        return find_mentions(text, context.member_names(workspace_id))

    patch.setattr(comment, "_mentioned_members", named)


def reactions_are_added_again(patch: pytest.MonkeyPatch) -> None:
    def twice(reactions: Reactions, emoji: str, user_id: UUID) -> Reactions:
        return (*reactions, Reaction(emoji, (user_id, user_id)))

    patch.setattr(comment_events, "_with_reaction", twice)


@pytest.mark.parametrize(
    ("plant", "check"),
    list(
        zip(
            (
                everybody_is_the_author,
                any_comment_can_be_replied_to,
                mentions_are_not_asserted,
                reactions_are_added_again,
            ),
            LAWS,
            strict=True,
        )
    ),
)
def test_a_planted_defect_is_noticed(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], check: Check
) -> None:
    plant(monkeypatch)
    assert_check_fails(check)
