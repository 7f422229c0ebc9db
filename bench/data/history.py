"""A history: millions of events written directly into the log, as a large board produces them over years."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, get_args
from uuid import UUID

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from bench.data.board import create_task_command
from domain import codec
from domain.column import DEFAULT_COLUMNS
from domain.event import Change, Event
from domain.member import MemberJoined, member_stream_id
from domain.project import ProjectCreated, ProjectKeyReserved, project_key_stream_id
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
    task_numbers_stream_id,
)
from domain.workspace import WorkspaceCreated
from infra.ids import new_id

WORKSPACE_COUNT, PROJECT_COUNT = 20, 1_000
CREATED_SHARE = 0.22
"""The share of events that create a task: a task has four or five events in the end."""
MAX_ACTIVE_TASKS = 60_000
"""Only this many of the newest tasks may change."""
NUMBER_BLOCK_SIZE = 16
"""How many task numbers are taken at a time."""
_COPY = """copy log.events
    (originator_id, originator_version, topic, state, actor_id, actor_kind, command_id, workspace_id, at)
    from stdin (format binary)"""
_TYPES = ("uuid", "int8", "text", "bytea", "uuid", "text", "uuid", "uuid", "timestamptz")
_TASK_FIELDS = ("title", "description", "priority", "due", "labels")


class StreamEvent(Struct, frozen=True):
    """An event in its stream; without `at`, it gets the time when it is written."""

    stream: UUID
    version: int
    event: Event
    workspace: UUID
    at: datetime | None = None


class History:
    """The history of one user; `write_next` continues where the previous call ended."""

    def __init__(self, user: UUID) -> None:
        self._user = user
        self._events = generate_events(user, random.Random(1))

    def write_next(self, connection: Connection[TupleRow], count: int) -> None:
        """Write the next `count` events, as the owner; no other process may append meanwhile."""
        write_events(connection, self._user, islice(self._events, count))


def write_events(connection: Connection[TupleRow], user: UUID, events: Iterable[StreamEvent]) -> None:
    """Write events into the log with COPY, as an import by one user."""
    command = new_id()
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(_TYPES)
        for one in events:
            name, state, at = codec.stored_name_of(one.event), codec.encode(one.event), one.at or datetime.now(UTC)
            copy.write_row((one.stream, one.version, name, state, user, "import", command, one.workspace, at))
    connection.execute("vacuum (analyze) log.events")  # as autovacuum would do soon


def generate_events(user: UUID, rng: random.Random) -> Iterator[StreamEvent]:
    """Generate workspaces, projects, then tasks without end: each event fits the version and state of its stream."""
    workspaces = [new_id() for _ in range(WORKSPACE_COUNT)]
    for workspace in workspaces:
        yield StreamEvent(workspace, 1, WorkspaceCreated("Bench"), workspace)
        yield StreamEvent(member_stream_id(workspace, user), 1, MemberJoined(user, "owner"), workspace)
    projects = [
        ProjectEvents(new_id(), workspaces[number % WORKSPACE_COUNT], f"P{number}") for number in range(PROJECT_COUNT)
    ]
    for project in projects:
        yield from project.creation_events()
    tasks = ActiveTasks(projects, rng)
    while True:
        yield from tasks.create() if rng.random() < CREATED_SHARE else tasks.change()


class ProjectEvents:
    """A project, and the last task number it has used."""

    def __init__(self, id_: UUID, workspace: UUID, key: str) -> None:
        self.id = id_
        self.workspace = workspace
        self.key = key
        self.last_number = 0

    def creation_events(self) -> Iterator[StreamEvent]:
        reserved = ProjectKeyReserved(self.key, self.id)
        yield StreamEvent(
            self.id, 1, ProjectCreated(self.workspace, self.key, self.key, DEFAULT_COLUMNS), self.workspace
        )
        yield StreamEvent(project_key_stream_id(self.workspace, self.key), 1, reserved, self.workspace)

    def task_events(self, fields: Mapping[str, Any]) -> Iterator[StreamEvent]:
        """Create one more task with `fields`, after taking a block of task numbers if none is left."""
        if self.last_number % NUMBER_BLOCK_SIZE == 0:
            taken = TaskNumbersTaken(self.last_number + 1, self.last_number + NUMBER_BLOCK_SIZE)
            yield StreamEvent(
                task_numbers_stream_id(self.id), self.last_number // NUMBER_BLOCK_SIZE + 1, taken, self.workspace
            )
        self.last_number += 1
        created = TaskCreated(self.workspace, self.id, self.last_number, f"{self.key}-{self.last_number}", **fields)
        yield StreamEvent(new_id(), 1, created, self.workspace)


def new_task_fields() -> dict[str, Any]:
    """The fields of every new task."""
    task = create_task_command(new_id())
    return {"column": "todo", **{name: getattr(task, name) for name in _TASK_FIELDS}}


class ActiveTasks:
    """The tasks that may change, with their versions and states."""

    def __init__(self, projects: Sequence[ProjectEvents], rng: random.Random) -> None:
        self._new_task_fields = new_task_fields()
        self._projects = projects
        self._rng = rng
        self._streams: list[UUID] = []
        self._states: dict[UUID, tuple[int, Task]] = {}
        self._added = 0

    def create(self) -> Iterator[StreamEvent]:
        """Create a task; it replaces the oldest once there are `MAX_ACTIVE_TASKS`."""
        for one in self._rng.choice(self._projects).task_events(self._new_task_fields):
            yield one
            if state := Task.evolve(None, one.event):
                self._add(one.stream, state)

    def change(self) -> Iterator[StreamEvent]:
        """Change a random task in a random way; no event while there are no tasks."""
        if self._streams:
            stream = self._rng.choice(self._streams)
            version, task = self._states[stream]
            event = self._rng.choice(_CHANGES)(task, self._rng)
            self._states[stream] = version + 1, Task.evolve(task, event) or task
            yield StreamEvent(stream, version + 1, event, task.workspace_id)

    def _add(self, stream: UUID, task: Task) -> None:
        self._states[stream] = 1, task
        if len(self._streams) < MAX_ACTIVE_TASKS:
            self._streams.append(stream)
        else:
            at = self._added % MAX_ACTIVE_TASKS
            del self._states[self._streams[at]]
            self._streams[at] = stream
        self._added += 1


def _rename(task: Task, rng: random.Random) -> Event:
    return TaskRenamed(Change(task.title, f"Buy oat milk, crate {rng.randrange(10**6)}"))


def _describe(task: Task, rng: random.Random) -> Event:
    return TaskDescribed(Change(task.description, "Ask Ann who drives. " * rng.randint(1, 8)))


def _prioritise(task: Task, rng: random.Random) -> Event:
    return TaskPrioritised(Change(task.priority, rng.choice(get_args(Priority))))


def _set_due_date(task: Task, rng: random.Random) -> Event:
    return DueDateSet(Change(task.due, f"2027-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"))


def _complete_or_reopen(task: Task, _: random.Random) -> Event:
    end = TaskCompleted if task.status == "open" else TaskReopened
    return end(task.project_id, task.column)


def _move(task: Task, rng: random.Random) -> Event:
    column = rng.choice([column.id for column in DEFAULT_COLUMNS])
    return TaskMoved(Change(task.project_id, task.project_id), Change(task.column, column), task.status)


_CHANGES: Sequence[Callable[[Task, random.Random], Event]] = (
    _rename,
    _describe,
    _prioritise,
    _set_due_date,
    _complete_or_reopen,
    _move,
)
