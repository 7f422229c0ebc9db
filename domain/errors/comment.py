"""Refusals about comments."""

from domain.errors.refusal import Refusal


class UnknownComment(Refusal):
    """The task has no such comment to reply to."""


class CommentIsReply(Refusal):
    """A reply cannot be replied to. Reply to the comment that it answers."""


class CommentIsAnothers(Refusal):
    """Only its author can edit a comment."""


class TooManyReactions(Refusal):
    """The comment has the maximum number of different reactions."""
