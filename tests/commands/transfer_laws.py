"""Laws of moving between projects: whatever is moved, each project knows its own tasks, and nothing of others."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from hypothesis import strategies as st

from commands.archive import ArchiveTask, UnarchiveTask
from commands.command import require_found
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from commands.subtask import SetParent
from commands.task import CompleteTask, CreateTask, MoveTask
from commands.trash import RestoreTask, TrashTask
from domain.column import DEFAULT_COLUMNS, ColumnCount, ColumnCounted, column_stream_id
from domain.custom_field import CustomField, FieldValue, TaskFieldSet
from domain.errors import Refusal
from domain.event import Change, fold
from domain.project import ColumnsSet
from domain.rank import Ranks, ranks_stream_id, split_rank
from domain.subtask import SubtaskCount, TaskTree, tree_stream_id
from domain.task import Task
from infra.ids import new_id
from projections import project_list
from projections.project_list import ProjectRow
from projections.task_list import StoredTaskRow
from tests.commands.ranking_laws import rows_of
from tests.commands.subtask_laws import ancestors
from tests.examples import (
    ADA,
    LIMITED_BOARD,
    OTHER_PROJECT,
    PROJECT,
    Facts,
    fixed_uuid7,
    project,
    user,
    workspace,
)
from tests.in_memory_event_log import InMemoryEventLog
from tests.law import law

TASKS = [fixed_uuid7(200 + number) for number in range(5)]
PROJECTS = {PROJECT: "HOME", OTHER_PROJECT: "WORK"}
LIMITED = "doing"
Step: TypeAlias = tuple[UUID, Callable[[int], Any]]
"""A task, and a command for it, given its version."""
_tasks = st.sampled_from(TASKS)
_transfers: st.SearchStrategy[Callable[[int], Any]] = st.builds(
    lambda home, column, top: (
        lambda version: MoveTask(project_id=home, column=column, top=top, expected_version=version)
    ),
    st.sampled_from(list(PROJECTS)),
    st.sampled_from([None, None, LIMITED]),
    st.booleans(),
)
_places: st.SearchStrategy[Callable[[int], Any]] = st.builds(
    lambda beside: lambda version: MoveTask(after=str(beside), expected_version=version), _tasks
)
_parents: st.SearchStrategy[Callable[[int], Any]] = st.builds(
    lambda parent: lambda _: SetParent(parent_id=parent), _tasks
)
_others: st.SearchStrategy[Callable[[int], Any]] = st.sampled_from(
    [
        lambda _: CompleteTask(children="complete"),
        lambda _: ArchiveTask(),
        lambda _: UnarchiveTask(),
        lambda version: TrashTask(expected_version=version),
        lambda _: RestoreTask(),
    ]
)
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(_tasks, st.one_of(_transfers, _transfers, _places, _parents, _others)), min_size=4, max_size=20
)


@law(steps, examples=150)
def projects_are_consistent(walk: Sequence[Step]) -> None:
    log = InMemoryEventLog([*user(), *workspace(), *project(), *project(OTHER_PROJECT, "WORK"), *_limits()])
    asyncio.run(_carry_out(log, walk))
    tasks: dict[UUID, Any] = {task: require_found(fold(Task, log.history.events(task))) for task in TASKS}
    rows = rows_of(log)
    every_key = [key for row in rows for key in (row.key, *row.former_keys)]
    assert len(set(every_key)) == len(every_key), "a key is given out twice"
    for row in rows:
        state = tasks[row.id]
        assert (row.project_id, row.key, row.column) == (state.project_id, state.key, state.column)
        assert row.key == f"{PROJECTS[row.project_id]}-{row.number}"
        above = ancestors(tasks, row.id)
        assert {tasks[each].project_id for each in above} <= {row.project_id}, "a parent is in another project"
        below = [tasks[task] for task in TASKS if row.id in ancestors(tasks, task) and not tasks[task].trashed]
        assert row.children == SubtaskCount(sum(task.status == "done" for task in below), len(below))
    for home in PROJECTS:
        _assert_knows_its_tasks(log, home, tasks, [row for row in rows if row.project_id == home])


def _assert_knows_its_tasks(
    log: InMemoryEventLog, home: UUID, tasks: dict[UUID, Any], rows: Sequence[StoredTaskRow]
) -> None:
    tree = fold(TaskTree, log.history.events(tree_stream_id(home))) or TaskTree()
    here = {row.id for row in rows}
    for task in TASKS:
        assert list(tree.ancestors_of(task)) == (ancestors(tasks, task) if task in here else [])
    ranks = fold(Ranks, log.history.events(ranks_stream_id(home))) or Ranks()
    in_gaps = {task for gaps in ranks.gaps.values() for gap in gaps.values() for _, task in gap}
    assert in_gaps == {row.id for row in rows if split_rank(row.rank)[1]}
    on_board = Counter((row.column, row.status) for row in rows if not row.trashed and not row.archived)
    shown = {
        (column, status): count
        for column, counts in _project_row(log, home).counts.items()
        for status, count in counts.items()
        if count
    }
    assert shown == dict(on_board)
    counted = fold(ColumnCount, log.history.events(column_stream_id(home, LIMITED)))
    assert counted is not None
    assert counted.tasks == sum(count for (column, _), count in on_board.items() if column == LIMITED)


def value_set(field: CustomField, value: FieldValue) -> TaskFieldSet:
    """The event of a task that gets its first value of a field."""
    return TaskFieldSet(PROJECT, field.id, Change(None, value))


def _limits() -> Facts:
    limits: Facts = []
    for home in PROJECTS:
        limits.append((home, ColumnsSet(Change(DEFAULT_COLUMNS, LIMITED_BOARD), Change("warn", "warn"))))
        limits.append((column_stream_id(home, LIMITED), ColumnCounted(0)))
    return limits


def _project_row(log: InMemoryEventLog, home: UUID) -> ProjectRow:
    row: ProjectRow | None = None
    recorded = sorted((each for of in log.history.streams.values() for each in of), key=lambda each: each.position)
    for each in recorded:
        if home in project_list.keys(each):
            row = project_list.fold(home, row, each)
    return require_found(row)


async def _carry_out(log: InMemoryEventLog, walk: Sequence[Step]) -> None:
    """Create the tasks, of which the second is below the first, then carry out what rules allow."""
    handler = CommandHandler(log)
    for number, task in enumerate(TASKS):
        parent = TASKS[0] if number == 1 else None
        create = CreateTask(project_id=PROJECT, title="Task", parent_id=parent, column=LIMITED if number == 2 else None)
        await _handle(handler, task, create)
    await _handle(handler, TASKS[3], MoveTask(before=str(TASKS[0])))
    for task, command in walk:
        await _handle(handler, task, command(log.history.version(task)))


async def _handle(handler: CommandHandler, target: UUID, command: Any) -> None:
    with contextlib.suppress(Refusal):
        await handler.handle(CommandRequest([CommandOn(target, command)], ADA, new_id()))
