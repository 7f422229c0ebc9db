"""A bulk change: one command on many tasks, in groups that are each written together, and how far it is."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from commands.command import Command
from commands.handling.command_on import CommandOn
from commands.handling.each import EachOutcome, StoredRefusal
from commands.handling.idempotency import IdempotencyKey, fingerprint
from commands.handling.request import CommandRequest
from domain.event import Actor, Trace
from domain.user import TokenScope
from infra.ids import new_id

MAX_GROUP_TASKS = 50
"""Few enough to be decided and written without a noticeable delay for other commands."""
MAX_STORED_REFUSALS = 1_000


class TaskGroups(Struct, frozen=True):
    """Tasks in order, and where each group ends: a group has tasks of one workspace, as what is written together."""

    tasks: tuple[UUID, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, workspaces: Iterable[Sequence[UUID]]) -> "TaskGroups":
        """Of the tasks of each workspace, in this order."""
        tasks, ends = list[UUID](), list[int]()
        for members in workspaces:
            start, end = len(tasks), len(tasks) + len(members)
            tasks += members
            ends += [*range(start + MAX_GROUP_TASKS, end, MAX_GROUP_TASKS), end]
        return cls(tuple(tasks), tuple(ends))

    def first(self, count: int) -> "TaskGroups":
        """The first so many tasks."""
        ends = dict.fromkeys(min(end, count) for end in self.ends)
        return TaskGroups(self.tasks[:count], tuple(ends))

    def after(self, done: int) -> Iterator[tuple[UUID, ...]]:
        """The groups that remain once so many tasks are done."""
        starts = (0, *self.ends[:-1])
        yield from (self.tasks[start:end] for start, end in zip(starts, self.ends, strict=False) if start >= done)


class RefusedTask(Struct, frozen=True):
    """A task, as the client named it, and why the command on it was refused."""

    id: str
    refusal: StoredRefusal


class BulkProgress(Struct, frozen=True):
    """How many tasks are done, how many of them changed or were refused, the first refusals, and the last position."""

    done: int = 0
    changed: int = 0
    refused_count: int = 0
    refused: tuple[RefusedTask, ...] = ()
    position: int = 0

    def after(self, tasks: Sequence[UUID], outcome: EachOutcome) -> "BulkProgress":
        """The progress after one more group."""
        refused = [RefusedTask(str(tasks[index]), refusal) for index, refusal in outcome.refused.items()]
        return BulkProgress(
            self.done + len(tasks),
            self.changed + len(outcome.changed),
            self.refused_count + len(refused),
            (*self.refused, *refused)[:MAX_STORED_REFUSALS],
            max(self.position, outcome.position),
        )


class BulkChange(Struct, frozen=True):
    """A command on many tasks, with the rights of its actor; its id is the cause of all events."""

    id: UUID
    command: Command[Any]
    groups: TaskGroups
    actor: Actor
    scope: TokenScope
    correlation_id: UUID | None = None

    @property
    def total(self) -> int:
        """The number of tasks."""
        return len(self.groups.tasks)

    def request(self, tasks: Sequence[UUID], *, is_dry_run: bool = False) -> CommandRequest:
        """The command on a group of tasks, under a key that makes sure that it is carried out once."""
        text = f"{self.id}\n{tasks[0]}\n{len(tasks)}"
        return CommandRequest(
            [CommandOn(task, self.command) for task in tasks],
            self.actor,
            new_id(),
            () if is_dry_run else [IdempotencyKey(text, fingerprint(text.encode()))],
            Trace(self.correlation_id, str(self.id)),
            self.scope,
            is_dry_run,
            allows_any_version=True,
        )
