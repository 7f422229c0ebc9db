"""A history: events by the million, straight into the log, as the years of a large board would leave them there."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, get_args
from uuid import UUID

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from bench.data.board import new_task
from domain import codec
from domain.event import Change, Event
from domain.member import MemberJoined, member_of
from domain.project import BOARD, ProjectCreated, ProjectKeyReserved, key_of
from domain.task import (
    DueDateSet,
    Priority,
    Task,
    TaskCompleted,
    TaskCreated,
    TaskDescribed,
    TaskMoved,
    TaskNumbersTaken,
    TaskPrioritised,
    TaskRenamed,
    TaskReopened,
    numbers_of,
)
from domain.workspace import WorkspaceCreated
from infra.ids import new_id

WORKSPACES, PROJECTS = 20, 1_000
NEW = 0.22
"""The share of events that create a task: each has four or five in the end."""
AT_WORK = 60_000
"""So many tasks, the youngest, may change."""
BLOCK = 16
"""Task numbers are taken so many at a time."""
_COPY = """copy log.events
    (originator_id, originator_version, topic, state, actor_id, actor_kind, command_id, workspace_id, at)
    from stdin (format binary)"""
_TYPES = ("uuid", "int8", "text", "bytea", "uuid", "text", "uuid", "uuid", "timestamptz")
_TOLD = ("title", "description", "priority", "due", "labels")


class Happened(Struct, frozen=True):
    """An event in its stream; without a time, it happens when it is written."""

    stream: UUID
    version: int
    event: Event
    workspace: UUID
    at: datetime | None = None


class History:
    """What one user did; `fill` goes on where the last one ended."""

    def __init__(self, user: UUID) -> None:
        self._user = user
        self._events = happening(user, random.Random(1))

    def fill(self, connection: Connection[TupleRow], count: int) -> None:
        """Write the next so many events, as the owner; nothing else may append meanwhile."""
        write(connection, self._user, islice(self._events, count))


def write(connection: Connection[TupleRow], user: UUID, events: Iterable[Happened]) -> None:
    """Into the log, by COPY, as what one user imported."""
    command = new_id()
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(_TYPES)
        for one in events:
            name, state, at = codec.tag(one.event), codec.encode(one.event), one.at or datetime.now(UTC)
            copy.write_row((one.stream, one.version, name, state, user, "import", command, one.workspace, at))
    connection.execute("vacuum (analyze) log.events")  # as the server would before long


def happening(user: UUID, chance: random.Random) -> Iterator[Happened]:
    """Workspaces, projects, then tasks for ever: each event in the next version of its stream, true to its state."""
    workspaces = [new_id() for _ in range(WORKSPACES)]
    for workspace in workspaces:
        yield Happened(workspace, 1, WorkspaceCreated("Bench"), workspace)
        yield Happened(member_of(workspace, user), 1, MemberJoined(user, "owner"), workspace)
    projects = [Project(new_id(), workspaces[number % WORKSPACES], f"P{number}") for number in range(PROJECTS)]
    for project in projects:
        yield from project.begun()
    tasks = _Tasks(projects, chance)
    while True:
        yield from tasks.created() if chance.random() < NEW else tasks.changed()


class Project:
    """A project, and the numbers of its tasks."""

    def __init__(self, id_: UUID, workspace: UUID, key: str) -> None:
        self.id = id_
        self.workspace = workspace
        self.key = key
        self.number = 0

    def begun(self) -> Iterator[Happened]:
        reserved = ProjectKeyReserved(self.key, self.id)
        yield Happened(self.id, 1, ProjectCreated(self.workspace, self.key, self.key, BOARD), self.workspace)
        yield Happened(key_of(self.workspace, self.key), 1, reserved, self.workspace)

    def task(self, told: Mapping[str, Any]) -> Iterator[Happened]:
        """One more, after the numbers for it and for those to come; `told` is what it begins with."""
        if self.number % BLOCK == 0:
            taken = TaskNumbersTaken(self.number + 1, self.number + BLOCK)
            yield Happened(numbers_of(self.id), self.number // BLOCK + 1, taken, self.workspace)
        self.number += 1
        created = TaskCreated(self.workspace, self.id, self.number, f"{self.key}-{self.number}", **told)
        yield Happened(new_id(), 1, created, self.workspace)


def told() -> dict[str, Any]:
    """What every task begins with."""
    task = new_task(new_id())
    return {"column": "todo", **{name: getattr(task, name) for name in _TOLD}}


class _Tasks:
    """The tasks at work: each with its version and its state."""

    def __init__(self, projects: Sequence[Project], chance: random.Random) -> None:
        self._told = told()
        self._projects = projects
        self._chance = chance
        self._streams: list[UUID] = []
        self._states: dict[UUID, tuple[int, Task]] = {}
        self._next = 0

    def created(self) -> Iterator[Happened]:
        """In the place of the oldest, once there are enough."""
        for one in self._chance.choice(self._projects).task(self._told):
            yield one
            if state := Task.evolve(None, one.event):
                self._take_in(one.stream, state)

    def changed(self) -> Iterator[Happened]:
        """One of them, in one of the ways; nothing while there is none."""
        if self._streams:
            stream = self._chance.choice(self._streams)
            version, task = self._states[stream]
            event = self._chance.choice(_CHANGES)(task, self._chance)
            self._states[stream] = version + 1, Task.evolve(task, event) or task
            yield Happened(stream, version + 1, event, task.workspace_id)

    def _take_in(self, stream: UUID, task: Task) -> None:
        self._states[stream] = 1, task
        if len(self._streams) < AT_WORK:
            self._streams.append(stream)
        else:
            at = self._next % AT_WORK
            del self._states[self._streams[at]]
            self._streams[at] = stream
        self._next += 1


def _renamed(task: Task, chance: random.Random) -> Event:
    return TaskRenamed(Change(task.title, f"Buy oat milk, crate {chance.randrange(10**6)}"))


def _described(task: Task, chance: random.Random) -> Event:
    return TaskDescribed(Change(task.description, "Ask Ann who drives. " * chance.randint(1, 8)))


def _prioritised(task: Task, chance: random.Random) -> Event:
    return TaskPrioritised(Change(task.priority, chance.choice(get_args(Priority))))


def _due(task: Task, chance: random.Random) -> Event:
    return DueDateSet(Change(task.due, f"2027-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"))


def _ended(task: Task, _: random.Random) -> Event:
    end = TaskCompleted if task.status == "open" else TaskReopened
    return end(task.project_id, task.column)


def _moved(task: Task, chance: random.Random) -> Event:
    column = chance.choice([column.id for column in BOARD])
    return TaskMoved(Change(task.project_id, task.project_id), Change(task.column, column), task.status)


_CHANGES: Sequence[Callable[[Task, random.Random], Event]] = (_renamed, _described, _prioritised, _due, _ended, _moved)
