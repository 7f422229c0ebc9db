"""Laws of the archive: what is archived is on no board and in no count, and comes back as it was."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from hypothesis import strategies as st
from msgspec.structs import replace

from commands.archive import ArchiveDoneTasks, ArchiveTask, UnarchiveTask
from commands.command import require_found
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from commands.subtask import SetParent
from commands.task import CompleteTask, CreateTask, MoveTask, ReopenTask
from commands.trash import RestoreTask, TrashTask
from domain.column import ColumnTasks
from domain.errors import Refusal
from domain.event import fold
from domain.task import Task, TaskStatus
from infra.ids import new_id
from projections import project_list
from projections.project_list import ProjectRow
from projections.task_list import StoredTaskRow
from tests.commands.ranking_laws import rows_of
from tests.examples import ADA, PROJECT, fixed_uuid7, project, user, workspace
from tests.in_memory_event_log import InMemoryEventLog
from tests.law import law

TASKS = [fixed_uuid7(200 + number) for number in range(5)]
Step: TypeAlias = tuple[UUID, Callable[[int], Any]]
"""A task or the project, and a command for it, given its version."""
_tasks = st.sampled_from(TASKS)
_parents: st.SearchStrategy[Callable[[int], Any]] = (st.none() | _tasks).map(
    lambda parent: lambda _: SetParent(parent_id=parent)
)
_moves: st.SearchStrategy[Callable[[int], Any]] = st.sampled_from(["todo", "done"]).map(
    lambda name: lambda version: MoveTask(column=name, expected_version=version)
)
_shelvings: st.SearchStrategy[Callable[[int], Any]] = st.sampled_from(
    [
        *[lambda version: TrashTask(expected_version=version), lambda _: RestoreTask()],
        *[lambda _: ArchiveTask(), lambda _: UnarchiveTask()] * 2,
    ]
)
_completions: st.SearchStrategy[Callable[[int], Any]] = st.sampled_from(
    [lambda _: CompleteTask(children="complete"), lambda _: ReopenTask()]
)
_commands = st.one_of(_parents, _moves, _completions, _shelvings, _shelvings)
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        st.tuples(_tasks, _commands),
        st.tuples(_tasks, _commands),
        st.tuples(_tasks, _commands),
        st.tuples(st.just(PROJECT), st.just(lambda _: ArchiveDoneTasks(column="todo"))),
    ),
    min_size=3,
    max_size=20,
)
_family_steps: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(st.sampled_from(TASKS[:3]), st.one_of(_shelvings, _shelvings, _parents)), min_size=3, max_size=20
)
"""Two of the tasks are parent and sub-task."""
_done_steps: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(_tasks, _parents | _completions), min_size=3, max_size=20
)


@law(steps | _family_steps, examples=300)
def archived_tasks_are_in_no_count(walk: Sequence[Step]) -> None:
    log = _carry_out(walk)
    shown = [task for task in _states(log).values() if not (task.trashed or task.archived)]
    expected = Counter((task.column, task.status) for task in shown)
    counts = {
        (column, status): count for column, of in _project_row(log).counts.items() for status, count in of.items()
    }
    assert counts == dict(expected)


@law(_family_steps, examples=300)
def nothing_is_on_a_board_below_what_is_archived(walk: Sequence[Step]) -> None:
    tasks = _states(_carry_out(walk))
    for task in tasks.values():
        if task.parent_id and not (task.trashed or task.archived):
            assert not tasks[task.parent_id].archived, f"{task.key} is on the board"


@law(steps, _tasks, examples=200)
def what_comes_back_is_as_it_was(walk: Sequence[Step], task: UUID) -> None:
    log = _carry_out(walk)
    before = _shown_rows(log)
    if before[task].archived or before[task].trashed:
        return
    archived = [after for after in _after(log, task, ArchiveTask()).values() if after.archived]
    assert task in {row.id for row in archived}
    assert {row.id: replace(row, archived=before[row.id].archived) for row in archived} == {
        row.id: before[row.id] for row in archived
    }
    assert _after(log, task, UnarchiveTask()) == before


@law(_done_steps, examples=200)
def the_done_tasks_of_a_column_are_archived_with_nothing_open(walk: Sequence[Step]) -> None:
    log = _carry_out(walk)
    before, after = _states(log), _states(_carried_out(log, PROJECT, ArchiveDoneTasks(column="todo")))
    for task_id, task in after.items():
        if task.archived and not before[task_id].archived:
            assert task.status == "done"
        if task.status == "done" and task.column == "todo" and not (task.trashed or task.archived):
            assert any(_is_open(one) and task_id in _ancestors(after, one) for one in after.values())


def _is_open(task: Task) -> bool:
    return task.status == "open" and not (task.trashed or task.archived)


def _ancestors(tasks: dict[UUID, Task], task: Task) -> set[UUID]:
    return {task.parent_id, *_ancestors(tasks, tasks[task.parent_id])} if task.parent_id else set()


def _states(log: InMemoryEventLog) -> dict[UUID, Task]:
    return {task: require_found(fold(Task, log.history.events(task))) for task in TASKS}


def _shown_rows(log: InMemoryEventLog) -> dict[UUID, StoredTaskRow]:
    """The rows, but for what every change of a task changes."""
    rows = rows_of(log)
    return {row.id: replace(row, version=0, updated_at=row.created_at) for row in rows}


def _project_row(log: InMemoryEventLog) -> ProjectRow:
    row: ProjectRow | None = None
    recorded = sorted((each for of in log.history.streams.values() for each in of), key=lambda each: each.position)
    for each in recorded:
        if PROJECT in project_list.keys(each):
            row = project_list.fold(PROJECT, row, each)
    return require_found(row)


def _after(log: InMemoryEventLog, task: UUID, command: ArchiveTask | UnarchiveTask) -> dict[UUID, StoredTaskRow]:
    return _shown_rows(_carried_out(log, task, command))


def _carried_out(log: InMemoryEventLog, target: UUID, command: Any) -> InMemoryEventLog:
    asyncio.run(_handle(CommandHandler(log, _Counts(log)), target, command))
    return log


def _carry_out(walk: Sequence[Step]) -> InMemoryEventLog:
    """Create a chain of two and single tasks, then carry out what rules allow."""
    log = InMemoryEventLog([*user(), *workspace(), *project()])
    asyncio.run(_carry_out_all(log, walk))
    return log


async def _carry_out_all(log: InMemoryEventLog, walk: Sequence[Step]) -> None:
    handler = CommandHandler(log, _Counts(log))
    for number, task in enumerate(TASKS):
        parent = TASKS[0] if number == 1 else None
        await _handle(handler, task, CreateTask(project_id=PROJECT, title="Task", parent_id=parent))
    for target, command in walk:
        await _handle(handler, target, command(log.history.version(target)))


async def _handle(handler: CommandHandler, target: UUID, command: Any) -> None:
    with contextlib.suppress(Refusal):
        await handler.handle(CommandRequest([CommandOn(target, command)], ADA, new_id()))


class _Counts:
    """Lists the tasks of a column by folding them."""

    def __init__(self, log: InMemoryEventLog) -> None:
        self._log = log

    async def list_tasks(self, project_id: UUID, column: str | None, status: TaskStatus | None = None) -> ColumnTasks:
        here = [
            task_id
            for task_id, task in _states(self._log).items()
            if task.project_id == project_id
            and column in {None, task.column}
            and status in {None, task.status}
            and not (task.trashed or task.archived)
        ]
        return ColumnTasks(len(here), tuple(here))

    async def count_tasks(self, project_id: UUID, column: str) -> Any:
        raise NotImplementedError
