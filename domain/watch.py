"""Watches: who follows a task, by what they did or by their own word, and how much of a project a user follows."""

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Literal, Self
from uuid import UUID, uuid5

from msgspec import Struct

from domain.comment import CommentAdded, CommentEdited
from domain.event import Actor, Change, Event, State
from domain.task import TaskAssigned, TaskCreated

WatchLevel = Literal["all", "mine", "none"]
"""Of a project: every task, those that one watches, or none."""
DEFAULT_LEVEL: WatchLevel = "mine"


class TaskWatchEvent(Event, frozen=True):
    """What a user said about watching a task; before that they had said the opposite, or nothing."""

    task_id: UUID
    project_id: UUID
    user_id: UUID
    watching: Change[bool | None]

    def touches(self) -> Collection[UUID]:
        return (self.task_id,)


class TaskWatched(TaskWatchEvent, frozen=True):
    """A user said so; before that they had said the opposite, or nothing."""


class TaskUnwatched(TaskWatchEvent, frozen=True):
    """A user said so: nothing that happens makes them watch the task again."""


class ProjectWatchSet(Event, frozen=True):
    """A user chose a level, or has no choice any longer, and the default level."""

    project_id: UUID
    user_id: UUID
    level: Change[WatchLevel | None]


class TaskWatch(State, frozen=True):
    """What a user said about watching a task."""

    watching: bool | None

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if state is None and isinstance(event, TaskWatched | TaskUnwatched):
            return cls(event.watching.new)
        return super().evolve(state, event)


class ProjectWatch(State, frozen=True):
    """The level that a user chose for a project, if they did."""

    level: WatchLevel | None

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if state is None and isinstance(event, ProjectWatchSet):
            return cls(event.level.new)
        return super().evolve(state, event)


class Watchers(Struct, frozen=True):
    """The users who watch a task, and those who said that they do not; who came first stands first."""

    users: tuple[UUID, ...] = ()
    unwatched: tuple[UUID, ...] = ()

    def joined_by(self, users: Iterable[UUID]) -> "Watchers":
        """The same, with these users too, except those who said that they do not watch."""
        new = dict.fromkeys(user for user in users if user not in self.users and user not in self.unwatched)
        return Watchers((*self.users, *new), self.unwatched) if new else self

    def after(self, event: TaskWatched | TaskUnwatched) -> "Watchers":
        """The same after a user said something."""
        users, unwatched = (
            tuple(user for user in those if user != event.user_id) for those in (self.users, self.unwatched)
        )
        if isinstance(event, TaskWatched):
            return Watchers((*users, event.user_id), unwatched)
        return Watchers(users, (*unwatched, event.user_id))


def followers(event: Event, actor: Actor) -> tuple[UUID, ...]:
    """The users whom an event makes watch its task: they create it, are assigned, comment or are mentioned.

    An import and a rule do not watch what they create or comment.
    """
    author = () if actor.kind in {"import", "rule"} else (actor.user_id,)
    match event:
        case TaskCreated(assignees=assigned):
            return (*author, *assigned)
        case TaskAssigned(user_id=assigned):
            return (assigned,)
        case CommentAdded(mentions=mentioned):
            return (*author, *mentioned)
        case CommentEdited(mentions=mentions):
            return mentions.new
    return ()


@lru_cache(maxsize=10_000)
def task_watch_stream_id(task_id: UUID, user_id: UUID) -> UUID:
    """The stream of what a user says about watching a task: no conflict with others, nor with changes of the task."""
    return uuid5(task_id, f"watch {user_id}")


@lru_cache(maxsize=10_000)
def project_watch_stream_id(project_id: UUID, user_id: UUID) -> UUID:
    """The stream of how much of a project a user watches."""
    return uuid5(project_id, f"watch {user_id}")
