"""What may be asked of the columns of a project, and that a count is what a fold finds."""

from typing import Any

import msgspec
import pytest

from commands.column import ColumnSpec, CountColumn, SetColumns
from commands.command import OtherStreamEvent
from commands.handling.decision import CommandOn
from commands.task import CompleteTask, MoveTask
from domain.column import ColumnCounted, column_stream_id
from domain.errors import ColumnRepeated, UnknownColumn
from domain.event import Change, Event, fold
from domain.project import DEFAULT_COLUMNS, Column, ColumnsSet, Project, WipPolicy
from domain.task import TaskCompleted, TaskMoved
from tests.commands import laws
from tests.examples import LIMITED, MOVED, PROJECT, Facts, limited, project, task, workspace
from tests.given import Given, Past, given

DOING = column_stream_id(PROJECT, "doing")
TODO, IN_PROGRESS, DONE = (ColumnSpec(id=column.id, name=column.name) for column in DEFAULT_COLUMNS)
WARN: Change[WipPolicy] = Change("warn", "warn")


def opened(*later: Event) -> Given:
    happened: Facts = [(PROJECT, event) for event in later]
    return given(workspace(), project(), happened)


def columns(*wanted: ColumnSpec, **more: Any) -> SetColumns:
    return SetColumns(columns=wanted, **{"expected_version": 1, **more})


def test_a_column_keeps_its_id_whatever_it_is_called_and_a_new_one_gets_one_of_its_name() -> None:
    wanted = columns(ColumnSpec(id="doing", name="At work"), TODO, ColumnSpec(name="In Review!"))
    now = (Column("doing", "At work"), DEFAULT_COLUMNS[0], Column("in-review", "In Review!"))
    opened().when(wanted).then(ColumnsSet(Change(DEFAULT_COLUMNS, now), WARN))


def test_an_id_is_never_given_to_another_column() -> None:
    gone = ColumnsSet(Change(DEFAULT_COLUMNS, DEFAULT_COLUMNS[:2]), WARN)
    wanted = columns(TODO, IN_PROGRESS, ColumnSpec(name="Done"), expected_version=2)
    now = (*DEFAULT_COLUMNS[:2], Column("done-2", "Done"))
    opened(gone).when(wanted).then(ColumnsSet(Change(DEFAULT_COLUMNS[:2], now), WARN))


def test_a_column_that_was_removed_is_brought_back_by_its_id() -> None:
    gone = ColumnsSet(Change(DEFAULT_COLUMNS, DEFAULT_COLUMNS[:2]), WARN)
    wanted = columns(TODO, IN_PROGRESS, DONE, expected_version=2)
    opened(gone).when(wanted).then(ColumnsSet(Change(DEFAULT_COLUMNS[:2], DEFAULT_COLUMNS), WARN))


@pytest.mark.parametrize("name", ["!!!", "列", "x" * 100])
def test_any_name_makes_an_id(name: str) -> None:
    past = Past([*workspace(), *project()])
    past.add(past.decide(CommandOn(PROJECT, columns(TODO, ColumnSpec(name=name)))).new_events)
    state = fold(Project, past.events(PROJECT))
    assert state
    assert 0 < len(state.columns[1].id) <= 40


def test_columns_without_ids_are_those_of_the_same_name() -> None:
    opened().when(columns(*(ColumnSpec(name=column.name.upper()) for column in DEFAULT_COLUMNS))).then(
        ColumnsSet(Change(DEFAULT_COLUMNS, tuple(Column(one.id, one.name.upper()) for one in DEFAULT_COLUMNS)), WARN)
    )
    opened().when(columns(*(ColumnSpec(name=column.name) for column in DEFAULT_COLUMNS))).then_nothing()


def test_a_column_that_is_limited_or_no_longer_is_not_counted_any_more() -> None:
    bounded = columns(TODO, ColumnSpec(id="doing", name="In progress", wip_limit=2), DONE, wip="refuse")
    opened().when(bounded).then(
        OtherStreamEvent(DOING, ColumnCounted(None)),
        ColumnsSet(Change(DEFAULT_COLUMNS, LIMITED), Change("warn", "refuse")),
    )
    free = columns(TODO, IN_PROGRESS, DONE, expected_version=2)
    given(workspace(), project(), limited(tasks=2)).when(free).then(
        OtherStreamEvent(DOING, ColumnCounted(None)), ColumnsSet(Change(LIMITED, DEFAULT_COLUMNS), WARN)
    )


def test_a_limit_that_becomes_another_leaves_the_count() -> None:
    bounded = columns(TODO, ColumnSpec(id="doing", name="In progress", wip_limit=5), DONE, expected_version=2)
    now = (DEFAULT_COLUMNS[0], Column("doing", "In progress", 5), DEFAULT_COLUMNS[2])
    given(workspace(), project(), limited(tasks=2)).when(bounded).then(ColumnsSet(Change(LIMITED, now), WARN))


def test_columns_that_are_the_same_are_nothing() -> None:
    opened().when(columns(TODO, IN_PROGRESS, DONE, wip="warn")).then_nothing()


def test_columns_that_do_not_go_together_are_refused() -> None:
    opened().when(columns(TODO, ColumnSpec(name="to DO"))).then_refused(ColumnRepeated)
    opened().when(columns(TODO, ColumnSpec(id="todo", name="Other"))).then_refused(ColumnRepeated)
    unknown = ColumnSpec(id="nowhere", name="Nowhere")
    opened().when(columns(TODO, unknown)).then_refused(UnknownColumn, columns=["todo", "doing", "done"])


def test_a_task_in_a_column_that_was_removed_stays_and_can_be_moved_away() -> None:
    gone: Facts = [(PROJECT, ColumnsSet(Change(DEFAULT_COLUMNS, DEFAULT_COLUMNS[::2]), WARN))]
    there = given(workspace(), project(), task(MOVED), gone)
    there.when(MoveTask(column="doing", expected_version=2)).then_refused(UnknownColumn)
    there.when(CompleteTask(), MoveTask(column="done", expected_version=3)).then(
        TaskCompleted(PROJECT, "doing"), TaskMoved(Change(PROJECT, PROJECT), Change("doing", "done"), "done")
    )


def test_a_column_is_counted_where_nobody_moved_since() -> None:
    count = CountColumn(column="doing", tasks=7, seen=1)
    board = given(workspace(), project(), limited())
    board.when(count).then(OtherStreamEvent(DOING, ColumnCounted(7)))
    board.when(msgspec.structs.replace(count, seen=0)).then_nothing()
    given(workspace(), project(), limited(tasks=3)).when(msgspec.structs.replace(count, seen=2)).then_nothing()
    opened().when(msgspec.structs.replace(count, seen=0)).then_nothing()
    board.when(msgspec.structs.replace(count, column="nowhere", seen=0)).then_nothing()


def test_a_count_is_what_a_fold_finds() -> None:
    laws.a_count_is_what_a_fold_finds()
