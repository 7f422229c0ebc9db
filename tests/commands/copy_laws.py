"""Laws of copies: a copy is the original, but for ids, keys and times, and for what was done."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from commands.copy import CopyProject, DuplicateTask
from commands.handling.command_on import CommandOn
from domain.column import DEFAULT_COLUMNS, Column, ColumnCounted, column_stream_id
from domain.event import Change, Event, fold
from domain.project import ArchiveRuleSet, ColumnsSet, Project
from domain.rank import ordinal_rank
from domain.subtask import SubtaskPlaced, TaskTree, tree_stream_id
from domain.task import Task, TaskArchived, TaskCreated, TaskNumbers, TaskTrashed, task_numbers_stream_id
from tests.examples import (
    ADA,
    COMPLETED,
    FIELDS_SET,
    LARGE,
    POINTS,
    PROJECT,
    SIZE,
    SIZES,
    SMALL,
    WORKSPACE,
    Facts,
    fixed_uuid7,
    project,
    user,
    workspace,
)
from tests.given import EventHistory
from tests.law import law
from tests.strategies import structs

TASKS = [fixed_uuid7(200 + number) for number in range(5)]
COPY = fixed_uuid7(900)
BOARD = (Column("todo", "To do", 2), Column("doing", "In progress"), Column("done", "Done", done=True))
_OF_ITS_OWN = {"number", "key", "column", "rank", "ancestors", "parent_id", "project_id", "checklist", "fields"}
"""What a copy has of its own, of the fields of its first event."""
_values: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        POINTS.key: st.sampled_from([3, 0.5]),
        SIZE.key: st.sampled_from([str(SMALL.id), str(LARGE.id)]),
        SIZES.key: st.sampled_from([(str(SMALL.id),), (str(LARGE.id), str(SMALL.id))]),
    },
)
_shelved: st.SearchStrategy[Event | None] = st.sampled_from(
    [None, None, None, TaskArchived(PROJECT, "doing", "open"), TaskTrashed(PROJECT, "doing", "open")]
)


class Original(Struct, frozen=True):
    """A task with any values, its parent among those before it (-1: the last of them), and what became of it."""

    created: TaskCreated
    values: dict[str, Any]
    parent: int | None
    is_done: bool
    shelved: Event | None


_originals: st.SearchStrategy[list[Original]] = st.lists(
    st.builds(
        Original,
        created=structs(TaskCreated),
        values=_values,
        parent=st.sampled_from([None, -1, -1, 0, 1]),
        is_done=st.booleans(),
        shelved=_shelved,
    ),
    min_size=1,
    max_size=len(TASKS),
)


@law(_originals, examples=100)
def a_duplicate_is_its_task(drawn: Sequence[Original]) -> None:
    history = _history(drawn)
    duplicated = {stream: fold(Task, history.events(stream)) for stream in TASKS[: len(drawn)]}
    source = next((each for each, task in duplicated.items() if task and task.is_on_board), None)
    if source is None:
        return
    decision = history.decide(CommandOn(COPY, DuplicateTask(task_id=source, subtasks=True)))
    tree = fold(TaskTree, history.events(tree_stream_id(PROJECT))) or TaskTree()
    sources = [source, *(each for each in tree.iter_below(source) if _on_board(history, each))]
    _assert_copies(history, sources, decision.new_events, {source: COPY}, tree)


@law(_originals, examples=150)
def a_copied_project_is_its_project(drawn: Sequence[Original]) -> None:
    history = _history(drawn)
    command = CopyProject(project_id=PROJECT, name="Cottage", key="COT", tasks=True)
    facts = history.decide(CommandOn(COPY, command)).new_events
    after = EventHistory([*history.facts, *facts])
    source, copy = _project(after, PROJECT), _project(after, COPY)
    assert copy == replace(source, name="Cottage", key="COT", fields=copy.fields)
    assert [_named(field) for field in copy.fields] == [_named(field) for field in source.fields]
    assert not {field.id for field in copy.fields} & {field.id for field in source.fields}
    tree = fold(TaskTree, history.events(tree_stream_id(PROJECT))) or TaskTree()
    sources = [each for each in TASKS[: len(drawn)] if _on_board(history, each)]
    copies = _assert_copies(history, sources, facts, {}, tree)
    assert [copies[each].key for each in sources] == [f"COT-{number}" for number in range(1, len(sources) + 1)]
    numbers = fold(TaskNumbers, after.events(task_numbers_stream_id(COPY))) or TaskNumbers()
    assert numbers.last == len(sources)
    here = sum(task.column == "todo" for task in copies.values())
    assert after.events(column_stream_id(COPY, "todo")) == [ColumnCounted(here)]
    for each in sources:
        assert _shown_values(copy, copies[each].fields) == _shown_values(source, _task(history, each).fields)


def _assert_copies(
    history: EventHistory, sources: Sequence[UUID], facts: Facts, ids: dict[UUID, UUID], tree: TaskTree
) -> dict[UUID, TaskCreated]:
    """The first event of the copy of each source; they are told apart by their titles, which no two share."""
    created = {event.title: (stream, event) for stream, event in facts if isinstance(event, TaskCreated)}
    assert created.keys() == {_task(history, each).title for each in sources}
    copies = {each: created[_task(history, each).title][1] for each in sources}
    ids = {each: created[_task(history, each).title][0] for each in sources} | ids
    for source, copy in copies.items():
        task = _task(history, source)
        for name in set(TaskCreated.__struct_fields__) - _OF_ITS_OWN:
            assert getattr(copy, name) == getattr(task, name), name
        assert [(item.text, item.done) for item in copy.checklist] == [(item.text, False) for item in task.checklist]
        assert not {item.id for item in copy.checklist} & {item.id for item in task.checklist}
        assert copy.column != "done"
        above = tree.ancestors_of(source)
        assert copy.ancestors == tuple(ids.get(each, each) for each in above)
        assert copy.parent_id == (copy.ancestors[0] if above else None)
    placed = {event.task_id: event.parent_id.new for _, event in facts if isinstance(event, SubtaskPlaced)}
    assert placed == {ids[each]: copies[each].parent_id for each in sources if copies[each].parent_id}
    by_rank = sorted(sources, key=lambda each: _task(history, each).rank)
    assert sorted(sources, key=lambda each: copies[each].rank) == by_rank
    return copies


def _history(drawn: Sequence[Original]) -> EventHistory:
    board = ColumnsSet(Change(DEFAULT_COLUMNS, BOARD), Change("warn", "refuse"))
    facts: Facts = [*user(), *workspace(), *project()]
    facts += [(PROJECT, board), (PROJECT, FIELDS_SET), (PROJECT, ArchiveRuleSet(Change(None, 30)))]
    facts.append((column_stream_id(PROJECT, "todo"), ColumnCounted(0)))
    for number, original in enumerate(drawn):
        facts += _facts(number, original, drawn)
    return EventHistory(facts)


def _facts(number: int, original: Original, drawn: Sequence[Original]) -> Facts:
    """A task in the board's middle column; one that is trashed or archived has nothing above or below it."""
    parent = original.parent
    if parent == -1:
        parent = number - 1
    if parent is not None and (not 0 <= parent < number or original.shelved or drawn[parent].shelved):
        parent = None
    parent_id = None if parent is None else TASKS[parent]
    created = replace(
        original.created,
        workspace_id=WORKSPACE,
        project_id=PROJECT,
        number=number + 1,
        key=f"HOME-{number + 1}",
        title=f"{number} {original.created.title}",
        column="doing",
        assignees=(ADA.id,),
        rank=ordinal_rank(hash(original.created.title) % 97 * 10 + number),
        parent_id=parent_id,
        ancestors=(),
        fields=original.values,
    )
    later = [replace(COMPLETED, column="doing")] if original.is_done else []
    more: Facts = [(TASKS[number], event) for event in (created, *later, original.shelved) if event]
    placed = (tree_stream_id(PROJECT), SubtaskPlaced(TASKS[number], Change(None, parent_id)))
    return [*more, placed] if parent_id else more


def _task(history: EventHistory, task_id: UUID) -> Task:
    task = fold(Task, history.events(task_id))
    assert task is not None
    return task


def _on_board(history: EventHistory, task_id: UUID) -> bool:
    return _task(history, task_id).is_on_board


def _project(history: EventHistory, project_id: UUID) -> Project:
    found = fold(Project, history.events(project_id))
    assert found is not None
    return found


def _named(field: Any) -> tuple[Any, ...]:
    return field.name, field.type, [option.name for option in field.options]


def _shown_values(project_state: Project, values: Any) -> dict[str, Any]:
    """By the names of fields and options."""
    names = {str(option.id): option.name for field in project_state.fields for option in field.options}
    fields = {field.key: field.name for field in project_state.fields}
    return {
        fields[key]: tuple(names[one] for one in value) if isinstance(value, tuple) else names.get(str(value), value)
        for key, value in values.items()
    }
