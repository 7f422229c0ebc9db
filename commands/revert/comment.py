"""Restoring a comment: its text, its reactions, and whether it is deleted."""

from collections.abc import Iterator
from typing import cast

from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.comment import AddReaction, DeleteComment, EditComment, RemoveReaction, restore_comment
from commands.revert.restoration import Restoration, carry_out
from commands.task_tree import for_stream
from domain.comment import Comment, Reactions
from domain.errors import CommentIsAnothers


def bring_back(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """No longer deleted."""
    comment, wanted = require_found(context(Comment, restoration.stream)), cast("Comment", restoration.wanted)
    if restoration.values.get("deleted") is False and comment.deleted:
        context.require_permission("DeleteComment")
        yield from for_stream(restoration.stream, restore_comment(comment, wanted.text, context))


def restore_fields(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Its text and the caller's own reactions; raises CommentIsAnothers for those of others."""
    stream, values, wanted = restoration.stream, restoration.values, cast("Comment", restoration.wanted)
    if "text" in values and not wanted.deleted:
        yield from carry_out(EditComment(text=wanted.text), stream, context)
    if "reactions" in values:
        before, after = _pairs(require_found(context(Comment, stream)).reactions), _pairs(wanted.reactions)
        if {user for _, user in before ^ after} - {context.actor.user_id}:
            raise CommentIsAnothers
        for emoji, _ in sorted(before - after):
            yield from carry_out(RemoveReaction(emoji=emoji), stream, context)
        for emoji, _ in sorted(after - before):
            yield from carry_out(AddReaction(emoji=emoji), stream, context)


def take_away(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Delete it, if it was added or brought back."""
    if restoration.is_gone or restoration.values.get("deleted"):
        yield from carry_out(DeleteComment(), restoration.stream, context)


def _pairs(reactions: Reactions) -> set[tuple[str, object]]:
    return {(each.emoji, user) for each in reactions for user in each.users}
