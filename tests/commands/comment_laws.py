"""The laws of comments: each is a check that fails if its law does not hold."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from hypothesis import strategies as st

from commands.comment import AddComment, AddReaction, DeleteComment, EditComment, RemoveReaction
from commands.handling.command_on import CommandOn
from domain.comment import Comment, CommentAdded, CommentDeleted, CommentEdited
from domain.errors import Refusal
from domain.event import Actor, Event, fold
from domain.member import Member, member_stream_id
from tests.commands.decision_laws import at_current_version
from tests.examples import (
    ADA,
    BOB,
    CAT,
    OTHER_TASK,
    WORKSPACE,
    another_user,
    fixed_uuid7,
    member,
    project,
    task,
    user,
    workspace,
)
from tests.given import EventHistory
from tests.law import law
from tests.strategies import COMMAND_STRATEGIES

EVE = Actor(fixed_uuid7(5))
ActedCommand = tuple[Actor, CommandOn]
"""A command, and who sends it."""

_commands = st.one_of(
    *(COMMAND_STRATEGIES[kind] for kind in (AddComment, EditComment, DeleteComment, AddReaction, RemoveReaction)),
    COMMAND_STRATEGIES[AddComment],
)
conversations = st.lists(st.tuples(st.sampled_from([ADA, BOB, CAT]), _commands), min_size=4, max_size=20)
"""Of an owner, an administrator and a member."""


def initial_history() -> EventHistory:
    """Ada's workspace with Bob as an administrator and Cat as a member, and two tasks; Eve is no member."""
    people = [
        *user(),
        *another_user(),
        *another_user(CAT, "cat@example.org", "Cat"),
        *another_user(EVE, "e@x.org", "Eve"),
    ]
    members = [*workspace(), *member(BOB, "admin"), *member(CAT)]
    return EventHistory([*people, *members, *project(), *task(), *task(task_id=OTHER_TASK, number=2)])


def written(conversation: Sequence[ActedCommand]) -> Iterator[tuple[Actor, UUID, Event, EventHistory]]:
    """Each event, with its actor and stream, and the history before its command."""
    history = initial_history()
    for actor, drawn in conversation:
        try:
            facts = history.decide(at_current_version(drawn, history), actor=actor).new_events
        except Refusal:
            continue
        before, history = history, EventHistory([*history.facts, *facts])
        for stream, event in facts:
            yield actor, stream, event, before


@law(conversations, examples=200)
def only_its_author_changes_what_a_comment_says(conversation: Sequence[ActedCommand]) -> None:
    """Others delete it as administrators, and never edit it."""
    for actor, stream, event, before in written(conversation):
        comment = fold(Comment, before.events(stream))
        if isinstance(event, CommentEdited):
            assert comment is not None
            assert actor.user_id == comment.user_id, f"{actor.user_id} edited a comment of {comment.user_id}"
        if isinstance(event, CommentDeleted):
            assert comment is not None
            assert actor.user_id == comment.user_id or actor in {ADA, BOB}


@law(conversations, examples=200)
def replies_are_one_level_deep_and_on_the_same_task(conversation: Sequence[ActedCommand]) -> None:
    for _, _, event, before in written(conversation):
        if isinstance(event, CommentAdded) and event.reply_to is not None:
            answered = fold(Comment, before.events(event.reply_to))
            assert answered is not None
            assert (answered.task_id, answered.reply_to, answered.deleted) == (event.task_id, None, False)


@law(conversations, examples=200)
def those_who_are_mentioned_are_members(conversation: Sequence[ActedCommand]) -> None:
    for _, _, event, before in written(conversation):
        mentions = event.mentions if isinstance(event, CommentAdded) else ()
        mentions = event.mentions.new if isinstance(event, CommentEdited) else mentions
        for mentioned in mentions:
            assert fold(Member, before.events(member_stream_id(WORKSPACE, mentioned))) is not None


@law(conversations, examples=200)
def each_reaction_is_of_each_user_once(conversation: Sequence[ActedCommand]) -> None:
    for _, stream, _, before in written(conversation):
        comment = fold(Comment, before.events(stream))
        for reaction in comment.reactions if comment else ():
            assert len(set(reaction.users)) == len(reaction.users) > 0
