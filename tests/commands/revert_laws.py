"""Laws of reverts: a change that is taken back leaves what was before it, and taken back twice what was after it."""

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from hypothesis import strategies as st
from msgspec.structs import replace

from commands.archive import ArchiveTask, UnarchiveTask
from commands.checklist import ChecklistItemSpec, SetChecklist
from commands.command import require_found
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from commands.label import LabelTask, UnlabelTask
from commands.recurrence import RecurrenceSpec, SkipOccurrence
from commands.relation import RelateTask, UnrelateTask
from commands.revert import RevertChange
from commands.revert.changed_stream import DERIVED_FIELDS, changed_streams
from commands.subtask import SetParent
from commands.task import AssignTask, CompleteTask, CreateTask, EditTask, MoveTask, ReopenTask, UnassignTask
from commands.trash import RestoreTask, TrashTask
from domain.column import NEW_BOARD_COLUMNS, Column, ColumnCount, ColumnCounted, column_stream_id
from domain.errors import HasOpenChildren, Refusal
from domain.event import Change, fold
from domain.project import ColumnsSet
from domain.relation import BlockGraph, blocks_stream_id
from domain.subtask import TaskTree, tree_stream_id
from domain.task import Task
from infra.ids import new_id
from tests.examples import ADA, CAT, OTHER_PROJECT, PROJECT, WORKSPACE, Facts, fixed_uuid7, project, user, workspace
from tests.in_memory_event_log import InMemoryEventLog
from tests.law import law

TASKS = [fixed_uuid7(200 + number) for number in range(4)]
LIMITED = "doing"
Step: TypeAlias = tuple[UUID, Any]
_tasks = st.sampled_from(TASKS)
_edits: st.SearchStrategy[Any] = st.builds(
    EditTask,
    title=st.sampled_from(["Paint", "Varnish"]),
    due=st.sampled_from(["2026-12-01", "2026-12-24"]),
    start=st.sampled_from([None, "2026-11-30"]),
    recurrence=st.sampled_from([None, RecurrenceSpec(rule="FREQ=DAILY")]),
    labels=st.lists(st.sampled_from(["shop", "soon", "later"]), unique=True),
    assignees=st.lists(st.sampled_from([ADA.id, CAT.id]), unique=True),
    column=st.sampled_from(["todo", LIMITED, "done"]),
)
_steps: st.SearchStrategy[Any] = st.one_of(
    _edits,
    st.sampled_from(
        [
            CompleteTask(children="complete"),
            ReopenTask(),
            TrashTask(),
            RestoreTask(),
            RestoreTask(column="doing"),
            ArchiveTask(),
            UnarchiveTask(),
            SkipOccurrence(),
            MoveTask(top=True),
            LabelTask(label="shop"),
            UnlabelTask(label="soon"),
            AssignTask(user_id=CAT.id),
            UnassignTask(user_id=ADA.id),
            EditTask(recurrence=RecurrenceSpec(rule="FREQ=DAILY"), due="2026-12-01"),
        ]
    ),
    st.builds(
        lambda project_id, column: MoveTask(project_id=project_id, column=column),
        st.sampled_from([PROJECT, OTHER_PROJECT]),
        st.sampled_from([None, "todo", LIMITED]),
    ),
    st.sampled_from(["todo", LIMITED, "done"]).map(lambda column: MoveTask(column=column)),
    (st.none() | _tasks).map(lambda parent: SetParent(parent_id=parent)),
    _tasks.map(lambda beside: MoveTask(after=str(beside))),
    st.builds(RelateTask, kind=st.sampled_from(["blocks", "relates"]), task_id=_tasks),
    st.builds(UnrelateTask, kind=st.sampled_from(["blocks", "relates"]), task_id=_tasks),
    st.lists(st.sampled_from(["Nails", "Wood"]), max_size=2, unique=True).map(
        lambda items: SetChecklist(items=tuple(ChecklistItemSpec(item) for item in items))
    ),
)
_created = st.builds(
    lambda parent, column: (new_id(), CreateTask(project_id=PROJECT, title="New", parent_id=parent, column=column)),
    st.none() | _tasks,
    st.sampled_from(["todo", LIMITED, "done"]),
)
walks: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(*[st.tuples(_tasks, _steps)] * 8, _created), min_size=1, max_size=10
)


@law(walks, st.integers(1, 3), examples=300)
def reverted_twice_is_as_it_was(walk: Sequence[Step], length: int) -> None:
    """The last commands of the walk are one change."""
    log = InMemoryEventLog(_beginning())
    asyncio.run(_check_reverts(log, walk[:-length], walk[-length:]))


async def _check_reverts(log: InMemoryEventLog, earlier: Sequence[Step], last: Sequence[Step]) -> None:
    handler = CommandHandler(log)
    for number, task in enumerate(TASKS):
        parent = TASKS[0] if number == 1 else None
        create = CreateTask(project_id=PROJECT, title="Task", parent_id=parent, labels=("soon",))
        await _handle(handler, new_id(), (task, create))
    for step in earlier:
        await _handle(handler, new_id(), step)
    before = states_of(log)
    change = new_id()
    try:
        await _handle(handler, change, *last, raises=True)
    except Refusal:
        return
    after = states_of(log)
    try:
        first = await revert(handler, log, change)
    except HasOpenChildren:  # an open task can be put below one that is done, which then is not completed again
        return
    assert_equal(states_of(log), _with_last_keys(before, after), after.keys() - before.keys(), DERIVED_FIELDS[Task])
    assert_consistent(log)
    await revert(handler, log, first)
    assert_equal(states_of(log), after, (), ())
    assert_consistent(log)


def _with_last_keys(before: dict[UUID, Task], after: dict[UUID, Task]) -> dict[UUID, Task]:
    """A task that was moved away and back in one change keeps the key that it got then."""
    return {
        stream: replace(task, key=after[stream].key) if task.project_id == after[stream].project_id else task
        for stream, task in before.items()
    }


@law(_edits, _edits, examples=150)
def what_others_did_since_stays(edit: Any, later: Any) -> None:
    """The fields that a later edit changed again are left, the others are as before."""
    log = InMemoryEventLog(_beginning())
    asyncio.run(_check_collisions(log, edit, later))


async def _check_collisions(log: InMemoryEventLog, edit: Any, later: Any) -> None:
    handler, change, task = CommandHandler(log), new_id(), TASKS[0]
    await _handle(handler, new_id(), (task, CreateTask(project_id=PROJECT, title="Task", labels=("soon",))))
    before = states_of(log)[task]
    try:
        await _handle(handler, change, (task, edit), raises=True)
        edited = states_of(log)[task]
        await _handle(handler, new_id(), (task, later), raises=True)
        later_state = states_of(log)[task]
        await revert(handler, log, change, skips_collisions=True)
    except Refusal:
        return
    final = states_of(log)[task]
    for name in ("title", "due", "start", "recurrence"):
        is_changed = getattr(later_state, name) != getattr(edited, name)
        assert getattr(final, name) == getattr(later_state if is_changed else before, name)
    for label in {*before.labels, *edited.labels, *later_state.labels}:
        is_changed = (label in later_state.labels) != (label in edited.labels)
        assert (label in final.labels) == (label in (later_state if is_changed else before).labels)


async def revert(handler: CommandHandler, log: InMemoryEventLog, change: UUID, **options: Any) -> UUID:
    """Take a change back, and return the id of the command that did."""
    command_id = new_id()
    await handler.handle(CommandRequest([CommandOn(WORKSPACE, revert_of(log, change, **options))], ADA, command_id))
    return command_id


def revert_of(log: InMemoryEventLog, change: UUID, **options: Any) -> RevertChange:
    """The command that takes a change back."""
    recorded = [each for of in log.history.streams.values() for each in of if each.command_id == change]
    histories = {each.stream: log.history.streams[each.stream] for each in recorded}
    changed = changed_streams({each.position for each in recorded}, histories)
    return RevertChange(command_id=new_id(), change_id=change, workspace_id=WORKSPACE, changed=changed, **options)


def states_of(log: InMemoryEventLog) -> dict[UUID, Task]:
    """The state of each task."""
    folded = ((stream, fold(Task, log.history.events(stream))) for stream in log.history.streams)
    return {stream: task for stream, task in folded if task}


def assert_equal(
    actual: dict[UUID, Task], wanted: dict[UUID, Task], new: Collection[UUID], ignored: Collection[str]
) -> None:
    """The tasks are as they were, but for what only rules use, and the new ones are in the trash."""
    assert {stream for stream, task in actual.items() if stream in new and not task.trashed} == set()
    for stream, task in wanted.items():
        pairs = {name: (_value(actual[stream], name), _value(task, name)) for name in Task.__struct_fields__}
        differing = {name: pair for name, pair in pairs.items() if name not in ignored and pair[0] != pair[1]}
        assert differing == {}, "a field is not as it was"


def _value(task: Task, name: str) -> object:
    """Relations, labels and assignees in any order: several may be added in another one."""
    return set(getattr(task, name)) if name in {"relations", "labels", "assignees"} else getattr(task, name)


def assert_consistent(log: InMemoryEventLog) -> None:
    """The trees, the graph of blocks and the counts of columns are those of the tasks."""
    tasks = states_of(log)
    for home in (PROJECT, OTHER_PROJECT):
        tree = fold(TaskTree, log.history.events(tree_stream_id(home))) or TaskTree()
        for stream, task in tasks.items():
            above = tree.ancestors_of(stream)
            assert (above[0] if above else None) == (task.parent_id if task.project_id == home else None)
        counted = fold(ColumnCount, log.history.events(column_stream_id(home, LIMITED)))
        here = [
            task for task in tasks.values() if task.is_on_board and (task.project_id, task.column) == (home, LIMITED)
        ]
        assert require_found(counted).tasks == len(here)
    graph = fold(BlockGraph, log.history.events(blocks_stream_id(WORKSPACE))) or BlockGraph()
    for stream, task in tasks.items():
        assert all(graph.waits_for(each, stream) for each in task.blocks)


def _beginning() -> Facts:
    facts: Facts = [*user(), *workspace(), *project(), *project(OTHER_PROJECT, "WORK")]
    columns = tuple(Column(one.id, one.name, 20 if one.id == LIMITED else None, one.done) for one in NEW_BOARD_COLUMNS)
    for home in (PROJECT, OTHER_PROJECT):
        facts.append((home, ColumnsSet(Change(NEW_BOARD_COLUMNS, columns), Change("warn", "refuse"))))
        facts.append((column_stream_id(home, LIMITED), ColumnCounted(0)))
    return facts


async def _handle(handler: CommandHandler, command_id: UUID, *steps: Step, raises: bool = False) -> None:
    """Carry out the commands together; a creation alone, as it names no version."""
    created = [CommandOn(task, command) for task, command in steps if command.creates]
    commands = created[:1] or [CommandOn(task, command) for task, command in steps]
    with contextlib.suppress(*() if raises else (Refusal,)):
        await handler.handle(CommandRequest(commands, ADA, command_id, allows_any_version=not created))
