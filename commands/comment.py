"""Commands about comments on tasks: add, edit, delete, react."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from commands.command import CLOSING_EVENTS_OVER_CAP, Command, DecisionContext, OtherStreamEvent, require_found
from commands.emoji import Emoji, require_emoji
from commands.field_types import CommentText, NewId, require_uuid7
from commands.task_command import load_editable_task
from domain.comment import (
    Comment,
    CommentAdded,
    CommentDeleted,
    CommentEdited,
    CommentRestored,
    ReactionAdded,
    ReactionRemoved,
)
from domain.errors import CommentIsAnothers, CommentIsReply, NotFound, TooManyReactions, UnknownComment
from domain.event import Change, Event
from domain.member import Member, member_stream_id
from domain.mention import find_mentions, may_mention
from domain.task import Task

MAX_REACTIONS_PER_COMMENT = 50
"""Different emoji on one comment."""


class CommentCommand(Command[Comment], frozen=True, kw_only=True):
    """A command on a comment; the actor must be a member of its workspace."""

    state_type: ClassVar = Comment

    def resolve_workspace_id(self, state: Comment | None, context: DecisionContext) -> UUID:
        return require_found(state).workspace_id


class AddComment(CommentCommand, frozen=True, kw_only=True):
    """Comment on a task, or reply to a comment on it. The members whose names follow an `@` are mentioned."""

    creates: ClassVar = True

    id: NewId | None = None
    task_id: UUID | None = None
    text: CommentText
    reply_to: UUID | None = None

    def __post_init__(self) -> None:
        require_uuid7(self.id)

    def resolve_workspace_id(self, state: Comment | None, context: DecisionContext) -> UUID:
        return require_found(context(Task, require_found(self.task_id))).workspace_id

    def decide(self, state: Comment | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task_id = require_found(self.task_id)
        task = load_editable_task(task_id, context)
        if self.reply_to is not None:
            _require_repliable(self.reply_to, task_id, context)
        yield CommentAdded(
            task.workspace_id,
            task.project_id,
            task_id,
            context.actor.user_id,
            self.text,
            self.reply_to,
            _mentioned_members(self.text, task.workspace_id, context),
        )


class EditComment(CommentCommand, frozen=True, kw_only=True):
    """Edit one's own comment. Its mentions are those of the new text."""

    requires_version: ClassVar = True

    text: CommentText | UnsetType = UNSET

    def decide(self, state: Comment | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        comment, task = _require_live(state, context)
        if comment.user_id != context.actor.user_id:
            raise CommentIsAnothers
        if self.text is not UNSET and self.text != comment.text:
            mentions = _mentioned_members(self.text, comment.workspace_id, context)
            yield CommentEdited(
                comment.task_id, task.project_id, Change(comment.text, self.text), Change(comment.mentions, mentions)
            )


class DeleteComment(CommentCommand, frozen=True, kw_only=True):
    """Delete a comment: one's own, or as an administrator of the workspace any. Its replies stay."""

    changed_fields: ClassVar = frozenset({"text", "deleted"})

    requires_version: ClassVar = True
    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    def decide(self, state: Comment | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        comment = require_found(state)
        task = load_editable_task(comment.task_id, context)
        if comment.user_id != context.actor.user_id:
            context.require_permission("DeleteAnothersComment")
        if not comment.deleted:
            yield CommentDeleted(comment.task_id, task.project_id, Change(comment.text, ""))


def restore_comment(comment: Comment, text: str, context: DecisionContext) -> Iterator[Event]:
    """The event of a deleted comment that gets its text back, from those who may delete it."""
    task = load_editable_task(comment.task_id, context)
    if comment.user_id != context.actor.user_id:
        context.require_permission("DeleteAnothersComment")
    yield CommentRestored(
        comment.task_id, task.project_id, Change(comment.text, text), comment.mentions, comment.reactions
    )


class ReactionCommand(CommentCommand, frozen=True, kw_only=True):
    """A command about one's reaction to a comment with an emoji."""

    changed_fields: ClassVar = frozenset({"reactions"})

    emoji: Emoji | None = None

    def __post_init__(self) -> None:
        if self.emoji is not None:
            require_emoji(self.emoji)


class AddReaction(ReactionCommand, frozen=True, kw_only=True):
    """React to a comment with an emoji."""

    def decide(self, state: Comment | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        comment, task = _require_live(state, context)
        emoji, user = require_found(self.emoji), context.actor.user_id
        if comment.has_reaction(emoji, user):
            return
        known = {each.emoji for each in comment.reactions}
        if emoji not in known and len(known) >= MAX_REACTIONS_PER_COMMENT:
            raise TooManyReactions(most=MAX_REACTIONS_PER_COMMENT)
        yield ReactionAdded(comment.task_id, task.project_id, user, Change(None, emoji))


class RemoveReaction(ReactionCommand, frozen=True, kw_only=True):
    """Take back one's reaction to a comment."""

    def decide(self, state: Comment | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        comment, task = _require_live(state, context)
        emoji, user = require_found(self.emoji), context.actor.user_id
        if comment.has_reaction(emoji, user):
            yield ReactionRemoved(comment.task_id, task.project_id, user, Change(emoji, None))


def _require_live(state: Comment | None, context: DecisionContext) -> tuple[Comment, Task]:
    """The comment and its task, if both may change; raises NotFound for a deleted comment."""
    comment = require_found(state)
    task = load_editable_task(comment.task_id, context)
    if comment.deleted:
        raise NotFound
    return comment, task


def _require_repliable(comment_id: UUID, task_id: UUID, context: DecisionContext) -> None:
    """Raise UnknownComment or CommentIsReply unless it is a comment on that task, and no reply itself."""
    comment = context(Comment, comment_id)
    if comment is None or comment.deleted or comment.task_id != task_id:
        raise UnknownComment(reply_to=comment_id)
    if comment.reply_to is not None:
        raise CommentIsReply(reply_to=comment.reply_to)


def _mentioned_members(text: str, workspace_id: UUID, context: DecisionContext) -> tuple[UUID, ...]:
    """The members that a text mentions, who are such at this moment; an imported text mentions none."""
    if context.actor.kind == "import" or not may_mention(text):
        return ()
    named = find_mentions(text, context.member_names(workspace_id))
    return tuple(user for user in named if context(Member, member_stream_id(workspace_id, user)) is not None)
