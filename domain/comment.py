"""A comment on a task: a text, replies one level deep, and the reactions of members."""

from collections.abc import Collection
from typing import ClassVar, Self
from uuid import UUID

from msgspec import Struct

from domain.event import Change, Event, State, record_from


class Reaction(Struct, frozen=True):
    """An emoji, and the users who reacted with it, the first one first."""

    emoji: str
    users: tuple[UUID, ...]


Reactions = tuple[Reaction, ...]


class CommentAdded(Event, frozen=True):
    """The text as it was written, and the members whose names it mentions."""

    workspace_id: UUID
    project_id: UUID
    task_id: UUID
    user_id: UUID
    text: str
    reply_to: UUID | None = None
    mentions: tuple[UUID, ...] = ()

    def touches(self) -> Collection[UUID]:
        return (self.task_id,)


class CommentEdited(Event, frozen=True):
    task_id: UUID
    project_id: UUID
    text: Change[str]
    mentions: Change[tuple[UUID, ...]]

    def touches(self) -> Collection[UUID]:
        """Its task, whose history it is part of; a user whom it mentions too watches it from now on."""
        return (self.task_id,)


class CommentDeleted(Event, frozen=True):
    """With the last text, which the history keeps."""

    task_id: UUID
    project_id: UUID
    text: Change[str]
    deleted: Change[bool] = Change(old=False, new=True)

    def touches(self) -> Collection[UUID]:
        return (self.task_id,)


class CommentRestored(Event, frozen=True):
    """No longer deleted, with the mentions and the reactions that it had."""

    task_id: UUID
    project_id: UUID
    text: Change[str]
    mentions: tuple[UUID, ...]
    reactions: Reactions
    deleted: Change[bool] = Change(old=True, new=False)

    def touches(self) -> Collection[UUID]:
        return (self.task_id,)


class CommentPurged(Event, frozen=True):
    """Permanently deleted with its task."""

    task_id: UUID
    project_id: UUID
    purged: Change[bool] = Change(old=False, new=True)


class ReactionAdded(Event, frozen=True):
    changes_part_of: ClassVar = "reactions"

    task_id: UUID
    project_id: UUID
    user_id: UUID
    emoji: Change[str | None]

    def after_part_change(self, value: Reactions) -> Reactions:
        return _with_reaction(value, self.emoji.new or "", self.user_id)


class ReactionRemoved(Event, frozen=True):
    changes_part_of: ClassVar = "reactions"

    task_id: UUID
    project_id: UUID
    user_id: UUID
    emoji: Change[str | None]

    def after_part_change(self, value: Reactions) -> Reactions:
        return _without_reaction(value, self.emoji.old or "", self.user_id)


class Comment(State, frozen=True):
    """The state of a comment that decisions need. A deleted one has no text."""

    workspace_id: UUID
    task_id: UUID
    user_id: UUID
    text: str
    reply_to: UUID | None
    mentions: tuple[UUID, ...]
    reactions: Reactions = ()
    deleted: bool = False
    purged: bool = False

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return record_from(cls, event) if isinstance(event, CommentAdded) else super().evolve(state, event)

    def has_reaction(self, emoji: str, user_id: UUID) -> bool:
        """Whether the user has reacted with this emoji."""
        return any(user_id in each.users for each in self.reactions if each.emoji == emoji)


def _with_reaction(reactions: Reactions, emoji: str, user_id: UUID) -> Reactions:
    if any(each.emoji == emoji for each in reactions):
        return tuple(
            Reaction(emoji, (*(user for user in each.users if user != user_id), user_id))
            if each.emoji == emoji
            else each
            for each in reactions
        )
    return (*reactions, Reaction(emoji, (user_id,)))


def _without_reaction(reactions: Reactions, emoji: str, user_id: UUID) -> Reactions:
    left = (
        Reaction(emoji, tuple(user for user in each.users if user != user_id)) if each.emoji == emoji else each
        for each in reactions
    )
    return tuple(each for each in left if each.users)
