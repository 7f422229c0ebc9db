"""Commands on the columns of a project; a recorded count equals the fold."""

from typing import Any

import msgspec
import pytest

from commands.column import ColumnSpec, CountColumn, SetColumns
from commands.command import OtherStreamEvent
from commands.handling.command_on import CommandOn
from commands.task import CompleteTask, CreateTask, MoveTask
from domain.column import DEFAULT_COLUMNS, Column, ColumnCounted, column_stream_id
from domain.errors import (
    ColumnHasTasks,
    ColumnIsFull,
    ColumnRepeated,
    ColumnStays,
    TooManyTasksToMove,
    UnknownColumn,
)
from domain.event import Change, Event, fold
from domain.project import ColumnsSet, Project, WipPolicy
from domain.task import TaskCompleted, TaskMoved
from tests.commands import decision_laws
from tests.examples import (
    LIMITED_BOARD,
    MOVED,
    OTHER_TASK,
    PROJECT,
    TASK,
    TRASHED,
    Facts,
    limited_column,
    project,
    task,
    workspace,
)
from tests.given import EventHistory, Given, given

DOING = column_stream_id(PROJECT, "doing")
TODO, IN_PROGRESS, DONE = (ColumnSpec(id=column.id, name=column.name) for column in DEFAULT_COLUMNS)
WARN: Change[WipPolicy] = Change("warn", "warn")


def given_project(*later: Event) -> Given:
    happened: Facts = [(PROJECT, event) for event in later]
    return given(workspace(), project(), happened)


def set_columns(*wanted: ColumnSpec, **more: Any) -> SetColumns:
    return SetColumns(columns=wanted, **{"expected_version": 1, **more})


def test_renaming_keeps_a_columns_id_and_a_new_column_gets_one_from_its_name() -> None:
    wanted = set_columns(ColumnSpec(id="doing", name="At work"), TODO, ColumnSpec(name="In Review!"))
    now = (Column("doing", "At work"), DEFAULT_COLUMNS[0], Column("in-review", "In Review!"))
    given_project().when(wanted).then(ColumnsSet(Change(DEFAULT_COLUMNS, now), WARN))


def test_a_column_id_is_never_reused() -> None:
    gone = ColumnsSet(Change(DEFAULT_COLUMNS, DEFAULT_COLUMNS[:2]), WARN)
    wanted = set_columns(TODO, IN_PROGRESS, ColumnSpec(name="Done"), expected_version=2)
    now = (*DEFAULT_COLUMNS[:2], Column("done-2", "Done"))
    given_project(gone).when(wanted).then(ColumnsSet(Change(DEFAULT_COLUMNS[:2], now), WARN))


def test_a_removed_column_is_restored_by_its_id() -> None:
    gone = ColumnsSet(Change(DEFAULT_COLUMNS, DEFAULT_COLUMNS[:2]), WARN)
    wanted = set_columns(TODO, IN_PROGRESS, DONE, expected_version=2)
    given_project(gone).when(wanted).then(ColumnsSet(Change(DEFAULT_COLUMNS[:2], DEFAULT_COLUMNS), WARN))


@pytest.mark.parametrize("name", ["!!!", "列", "x" * 100])
def test_any_name_makes_an_id(name: str) -> None:
    past = EventHistory([*workspace(), *project()])
    past.append(past.decide(CommandOn(PROJECT, set_columns(TODO, ColumnSpec(name=name)))).new_events)
    state = fold(Project, past.events(PROJECT))
    assert state
    assert 0 < len(state.columns[1].id) <= 40


def test_columns_without_ids_are_those_of_the_same_name() -> None:
    given_project().when(set_columns(*(ColumnSpec(name=column.name.upper()) for column in DEFAULT_COLUMNS))).then(
        ColumnsSet(Change(DEFAULT_COLUMNS, tuple(Column(one.id, one.name.upper()) for one in DEFAULT_COLUMNS)), WARN)
    )
    given_project().when(set_columns(*(ColumnSpec(name=column.name) for column in DEFAULT_COLUMNS))).then_nothing()


def test_setting_or_removing_a_limit_resets_the_count() -> None:
    bounded = set_columns(TODO, ColumnSpec(id="doing", name="In progress", wip_limit=2), DONE, wip="refuse")
    given_project().when(bounded).then(
        OtherStreamEvent(DOING, ColumnCounted(None)),
        ColumnsSet(Change(DEFAULT_COLUMNS, LIMITED_BOARD), Change("warn", "refuse")),
    )
    free = set_columns(TODO, IN_PROGRESS, DONE, expected_version=2)
    given(workspace(), project(), limited_column(tasks=2)).when(free).then(
        OtherStreamEvent(DOING, ColumnCounted(None)), ColumnsSet(Change(LIMITED_BOARD, DEFAULT_COLUMNS), WARN)
    )


def test_changing_a_limit_keeps_the_count() -> None:
    bounded = set_columns(TODO, ColumnSpec(id="doing", name="In progress", wip_limit=5), DONE, expected_version=2)
    now = (DEFAULT_COLUMNS[0], Column("doing", "In progress", 5), DEFAULT_COLUMNS[2])
    given(workspace(), project(), limited_column(tasks=2)).when(bounded).then(
        ColumnsSet(Change(LIMITED_BOARD, now), WARN)
    )


def test_setting_the_same_columns_writes_nothing() -> None:
    given_project().when(set_columns(TODO, IN_PROGRESS, DONE, wip="warn")).then_nothing()


def test_invalid_column_sets_are_refused() -> None:
    given_project().when(set_columns(TODO, ColumnSpec(name="to DO"))).then_refused(ColumnRepeated)
    given_project().when(set_columns(TODO, ColumnSpec(id="todo", name="Other"))).then_refused(ColumnRepeated)
    unknown = ColumnSpec(id="nowhere", name="Nowhere")
    given_project().when(set_columns(TODO, unknown)).then_refused(
        UnknownColumn, column="nowhere", columns=["todo", "doing", "done"]
    )


def test_a_task_in_a_column_that_was_removed_stays_and_can_be_moved_away() -> None:
    gone: Facts = [(PROJECT, ColumnsSet(Change(DEFAULT_COLUMNS, DEFAULT_COLUMNS[::2]), WARN))]
    there = given(workspace(), project(), task(MOVED), gone)
    there.when(MoveTask(column="doing", expected_version=2)).then_refused(UnknownColumn)
    there.when(CompleteTask(), MoveTask(column="done", expected_version=3)).then(
        TaskCompleted(PROJECT, "doing"), TaskMoved(Change(PROJECT, PROJECT), Change("doing", "done"), "done")
    )


def test_a_removed_column_with_tasks_is_restored_by_its_name() -> None:
    gone: Facts = [(PROJECT, ColumnsSet(Change(DEFAULT_COLUMNS, DEFAULT_COLUMNS[::2]), WARN))]
    there = given(workspace(), project(), task(MOVED), gone)
    wanted = set_columns(TODO, DONE, ColumnSpec(name="in  PROGRESS"), expected_version=2)
    now = (*DEFAULT_COLUMNS[::2], Column("doing", "in  PROGRESS"))
    there.when(wanted).then(ColumnsSet(Change(DEFAULT_COLUMNS[::2], now), WARN))
    emptied = msgspec.structs.replace(wanted, move={"doing": "in progress"})
    anew = (*DEFAULT_COLUMNS[::2], Column("in-progress", "in  PROGRESS"))
    there.when(emptied).then(
        ColumnsSet(Change(DEFAULT_COLUMNS[::2], anew), WARN),
        OtherStreamEvent(TASK, TaskMoved(Change(PROJECT, PROJECT), Change("doing", "in-progress"), "open")),
    )


def test_an_unknown_column_is_named() -> None:
    given_project().when(set_columns(TODO, ColumnSpec(id="lost", name="X"))).then_refused(
        UnknownColumn, column="lost", columns=["todo", "doing", "done"]
    )
    left = set_columns(TODO, DONE, move={"doing": "nowhere"})
    given_project().when(left).then_refused(UnknownColumn, column="nowhere", columns=["todo", "done"])
    left = set_columns(TODO, DONE, move={"never": "todo"}, keep=True)
    given_project().when(left).then_refused(UnknownColumn, column="never", columns=["todo", "doing", "done"])
    given(workspace(), project(), task()).when(MoveTask(column="lost", expected_version=1)).then_refused(
        UnknownColumn, column="lost", columns=["todo", "doing", "done"]
    )


def board_with_task_in_doing(*later: Event) -> Given:
    moved: Facts = [(TASK, MOVED), *((TASK, event) for event in later)]
    return given(workspace(), project(), task(), moved, task(task_id=OTHER_TASK, number=2))


def test_a_column_with_tasks_is_not_left_out_unless_that_is_said() -> None:
    without = set_columns(TODO, DONE)
    now = ColumnsSet(Change(DEFAULT_COLUMNS, DEFAULT_COLUMNS[::2]), WARN)
    board_with_task_in_doing().when(without).then_refused(ColumnHasTasks, tasks={"doing": 1})
    board_with_task_in_doing().when(set_columns(DONE)).then_refused(ColumnHasTasks, tasks={"todo": 1, "doing": 1})
    board_with_task_in_doing().when(msgspec.structs.replace(without, keep=True)).then(now)
    board_with_task_in_doing(TRASHED).when(without).then(now)
    given_project().when(without).then(now)


@pytest.mark.parametrize("source", ["doing", "In progress", " IN  PROGRESS "])
@pytest.mark.parametrize("target", ["done", "DONE "])
def test_the_tasks_of_a_column_that_is_left_out_move_with_it(source: str, target: str) -> None:
    board_with_task_in_doing().when(set_columns(TODO, DONE, move={source: target})).then(
        ColumnsSet(Change(DEFAULT_COLUMNS, DEFAULT_COLUMNS[::2]), WARN),
        OtherStreamEvent(TASK, TaskMoved(Change(PROJECT, PROJECT), Change("doing", "done"), "open")),
    )


def test_tasks_that_were_kept_move_later() -> None:
    gone: Facts = [(PROJECT, ColumnsSet(Change(DEFAULT_COLUMNS, DEFAULT_COLUMNS[::2]), WARN))]
    moved = OtherStreamEvent(TASK, TaskMoved(Change(PROJECT, PROJECT), Change("doing", "todo"), "open"))
    again = set_columns(TODO, DONE, move={"doing": "todo"}, expected_version=2)
    given(workspace(), project(), task(MOVED), gone).when(again).then(moved)
    given(workspace(), project(), task(MOVED), gone, [(moved.stream, moved.event)]).when(again).then_nothing()


@pytest.mark.parametrize("source", ["doing", "In progress", " in PROGRESS"])
def test_a_repeated_removal_finds_its_column_by_the_name_that_it_had(source: str) -> None:
    gone: Facts = [(PROJECT, ColumnsSet(Change(DEFAULT_COLUMNS, DEFAULT_COLUMNS[::2]), WARN))]
    again = set_columns(TODO, DONE, move={source: "todo"}, expected_version=2)
    moved = OtherStreamEvent(TASK, TaskMoved(Change(PROJECT, PROJECT), Change("doing", "todo"), "open"))
    given(workspace(), project(), task(MOVED), gone).when(again).then(moved)
    given(workspace(), project(), task(), gone).when(again).then_nothing()
    renamed = (DEFAULT_COLUMNS[0], Column("doing", "At work"), DEFAULT_COLUMNS[2])
    since: Facts = [
        (PROJECT, ColumnsSet(Change(DEFAULT_COLUMNS, renamed), WARN)),
        (PROJECT, ColumnsSet(Change(renamed, renamed[::2]), WARN)),
    ]
    later = msgspec.structs.replace(again, expected_version=3)
    given(workspace(), project(), task(MOVED), since).when(later).then(moved)
    given(workspace(), project(), task(MOVED), since[:1]).when(again).then(
        ColumnsSet(Change(renamed, renamed[::2]), WARN), moved
    )


def test_a_name_belongs_to_the_column_that_has_it_now() -> None:
    named_anew = (DEFAULT_COLUMNS[0], DEFAULT_COLUMNS[2], Column("in-progress", "In progress"))
    facts: Facts = [(PROJECT, ColumnsSet(Change(DEFAULT_COLUMNS, named_anew), WARN))]
    stays = set_columns(TODO, DONE, ColumnSpec(name="In progress"), move={"In progress": "todo"}, expected_version=2)
    there = given(workspace(), project(), task(MOVED), facts)
    there.when(stays).then_refused(ColumnStays, column="in-progress")
    there.when(msgspec.structs.replace(stays, move={"Never": "todo"})).then_refused(UnknownColumn)
    by_id = msgspec.structs.replace(stays, move={"doing": "todo"})
    there.when(by_id).then(OtherStreamEvent(TASK, TaskMoved(Change(PROJECT, PROJECT), Change("doing", "todo"), "open")))


def test_tasks_move_to_a_column_that_is_new_and_under_the_limit_of_one_that_is_not() -> None:
    new = set_columns(TODO, DONE, ColumnSpec(name="Review", wip_limit=1), move={"doing": "review"})
    columns = (*DEFAULT_COLUMNS[::2], Column("review", "Review", 1))
    review = column_stream_id(PROJECT, "review")
    board_with_task_in_doing().when(new).then(
        OtherStreamEvent(review, ColumnCounted(None)),
        ColumnsSet(Change(DEFAULT_COLUMNS, columns), WARN),
        OtherStreamEvent(TASK, TaskMoved(Change(PROJECT, PROJECT), Change("doing", "review"), "open")),
    )
    full = set_columns(
        ColumnSpec(id="doing", name="In progress", wip_limit=2), DONE, move={"todo": "doing"}, expected_version=2
    )
    for tasks, limit in ((1, 2), (2, 2)):
        there = given(workspace(), project(), limited_column("refuse", tasks=tasks), task())
        if tasks < limit:
            assert len(there.when(full).decision().new_events) == 3
        else:
            there.when(full).then_refused(ColumnIsFull, column="doing")


def test_moves_between_columns_that_make_no_sense_are_refused() -> None:
    for move, refusal in (
        ({"todo": "done"}, ColumnStays),
        ({"nowhere": "done"}, UnknownColumn),
        ({"doing": "nowhere"}, UnknownColumn),
        ({"doing": "doing"}, UnknownColumn),
    ):
        board_with_task_in_doing().when(set_columns(TODO, DONE, move=move)).then_refused(refusal)


def test_too_many_tasks_are_not_moved_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commands.column_removal.MAX_MOVED_TASKS", 0)
    board_with_task_in_doing().when(set_columns(TODO, DONE, move={"doing": "done"})).then_refused(
        TooManyTasksToMove, column="doing", tasks=1, most=0
    )


def test_tasks_that_the_same_batch_moves_away_do_not_count() -> None:
    history = EventHistory([*workspace(), *project(), *task(MOVED)])
    move = CommandOn(TASK, MoveTask(column="todo", expected_version=2))
    create = CommandOn(OTHER_TASK, CreateTask(project_id=PROJECT, title="x", column="doing"))
    remove = CommandOn(PROJECT, set_columns(TODO, DONE))
    assert history.decide(move, remove).new_events[-1][0] == PROJECT
    for commands in ((create, move, remove), (move, create, remove)):
        with pytest.raises(ColumnHasTasks) as refused:
            history.decide(*commands)
        assert refused.value.params == {"tasks": {"doing": 1}}


@pytest.mark.parametrize("name", ["to DO", " To do", "To  do", "To\u00a0do"])
def test_columns_have_one_name_in_every_spelling(name: str) -> None:
    given_project().when(set_columns(TODO, ColumnSpec(name=name))).then_refused(ColumnRepeated)
    renamed = set_columns(ColumnSpec(name=name), IN_PROGRESS, DONE)
    now = (Column("todo", name), *DEFAULT_COLUMNS[1:])
    given_project().when(renamed).then(ColumnsSet(Change(DEFAULT_COLUMNS, now), WARN))
    given(workspace(), project(), task(MOVED)).when(MoveTask(column=name, expected_version=2)).then(
        TaskMoved(Change(PROJECT, PROJECT), Change("doing", "todo"), "open")
    )


def test_composed_and_decomposed_names_of_columns_are_the_same() -> None:
    given_project().when(set_columns(ColumnSpec(name="Pr\u00fcfung"), ColumnSpec(name="PRU\u0308FUNG"))).then_refused(
        ColumnRepeated
    )


def test_a_count_is_stored_only_if_no_task_moved_since() -> None:
    count = CountColumn(column="doing", tasks=7, seen=1)
    board = given(workspace(), project(), limited_column())
    board.when(count).then(OtherStreamEvent(DOING, ColumnCounted(7)))
    board.when(msgspec.structs.replace(count, seen=0)).then_nothing()
    given(workspace(), project(), limited_column(tasks=3)).when(msgspec.structs.replace(count, seen=2)).then_nothing()
    given_project().when(msgspec.structs.replace(count, seen=0)).then_nothing()
    board.when(msgspec.structs.replace(count, column="nowhere", seen=0)).then_nothing()


def test_a_column_count_equals_the_fold() -> None:
    decision_laws.a_column_count_equals_the_fold()
