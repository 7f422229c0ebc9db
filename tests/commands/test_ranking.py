"""The order of tasks: where a move puts a task, what it needs, and what it refuses."""

from typing import Any

import msgspec
import pytest

from commands.task import MoveTask
from commands.trash import TrashTask
from domain import rank as ranks_module
from domain.errors import NotFound, PlaceContradictsColumn, TaskIsTrashed, VersionRequired
from domain.event import Event
from domain.rank import Ranks, RanksRebalanced, RankTaken, last_rank, ordinal_rank, ranks_stream_id, split_rank
from domain.task import TaskMoved, TaskRanked
from tests.commands.ranking_laws import moves_give_the_order_of_a_plain_list
from tests.examples import (
    COMMAND_ID,
    MOVED,
    OTHER_PROJECT,
    OTHER_TASK,
    PROJECT,
    TASK,
    TRASHED,
    fixed_uuid7,
    project,
    task,
    workspace,
)
from tests.given import Given, given
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow

BESIDE = str(OTHER_TASK)


def given_tasks(*later: Event, beside: tuple[Event, ...] = ()) -> Given:
    """Two tasks of a project, the second with later events of its own."""
    other = task(*beside, task_id=OTHER_TASK, number=2)
    return given(workspace(), project(), task(*later), other)


def test_moves_give_the_order_of_a_plain_list() -> None:
    moves_give_the_order_of_a_plain_list()


def test_they_do_so_if_gaps_are_rebalanced_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commands.ranking.MAX_FRACTION_CHARACTERS", 1)
    moves_give_the_order_of_a_plain_list()


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("rank_before", lambda self, rank: self.rank_after(rank)),
        ("current_rank", lambda self, task_id, rank: split_rank(rank)[0]),  # noqa: ARG005 - a defect
        ("with_task", lambda self, rank, task_id: self),  # noqa: ARG005 - a defect
    ],
)
def test_a_planted_defect_is_noticed(name: str, defect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks_module.Ranks, name, defect)
    assert_check_fails(moves_give_the_order_of_a_plain_list)


def test_a_task_goes_to_the_top_or_the_bottom_without_reading_anything() -> None:
    for place in ("top", "bottom"):
        decision = given_tasks().when(MoveTask(**{place: True})).decision()  # type: ignore[arg-type]
        ((_, ranked),) = decision.new_events
        assert isinstance(ranked, TaskRanked)
        assert (ranked.rank.old, ranked.place, ranked.beside) == (ordinal_rank(1), place, None)
        assert ranks_stream_id(PROJECT) not in decision.read_versions


def test_a_task_goes_beside_another_one() -> None:
    decision = given_tasks().when(MoveTask(after=BESIDE)).decision()
    (_, ranked), (stream, taken) = decision.new_events
    assert isinstance(ranked, TaskRanked)
    assert ordinal_rank(2) < ranked.rank.new < ordinal_rank(3)
    assert (stream, taken) == (ranks_stream_id(PROJECT), RankTaken(TASK, taken.rank))  # type: ignore[attr-defined]
    assert (ranked.place, ranked.beside) == ("after", OTHER_TASK)


def test_the_place_beside_itself_is_where_it_is() -> None:
    given_tasks().when(MoveTask(before=str(TASK))).then_nothing()


def test_a_place_in_the_column_needs_no_version_and_one_in_another_does() -> None:
    given_tasks(beside=(MOVED,)).when(MoveTask(before=BESIDE)).then_refused(VersionRequired)
    given_tasks().when(MoveTask(column="doing", top=True)).then_refused(VersionRequired)
    assert given_tasks().when(MoveTask(column="todo", top=True)).decision().new_events


def test_beside_a_task_of_another_column_is_a_change_of_column() -> None:
    decision = given_tasks(beside=(MOVED,)).when(MoveTask(before=BESIDE, expected_version=1)).decision()
    (_, moved), _ = decision.new_events
    assert isinstance(moved, TaskMoved)
    assert (moved.column.new, moved.place, moved.beside) == ("doing", "before", OTHER_TASK)
    assert ordinal_rank(1) < moved.rank.new < ordinal_rank(2)


def test_a_task_that_enters_a_column_without_a_place_goes_to_the_bottom() -> None:
    ((_, moved),) = given_tasks().when(MoveTask(column="doing", expected_version=1)).decision().new_events
    assert isinstance(moved, TaskMoved)
    assert (moved.rank.new, moved.place) == (last_rank(COMMAND_ID, 1), "bottom")


def test_the_named_column_has_to_be_that_of_the_task_beside() -> None:
    move = MoveTask(column="doing", before=BESIDE, expected_version=1)
    given_tasks().when(move).then_refused(PlaceContradictsColumn)
    assert given_tasks(beside=(MOVED,)).when(move).decision().new_events


@pytest.mark.parametrize("name", [str(fixed_uuid7(99)), "HOME-99"])
def test_an_unknown_task_beside_is_not_found(name: str) -> None:
    given_tasks().when(MoveTask(before=name)).then_refused(NotFound)


def test_a_task_of_another_project_or_in_the_trash_has_no_place() -> None:
    given_tasks(beside=(TRASHED,)).when(MoveTask(before=BESIDE)).then_refused(TaskIsTrashed)
    elsewhere = [(OTHER_TASK, event) for _, event in task(number=2)[1:]]
    moved = [(stream, _in_other_project(event)) for stream, event in elsewhere]
    given(workspace(), project(), project(OTHER_PROJECT, "WORK"), task(), moved).when(
        MoveTask(before=BESIDE)
    ).then_refused(NotFound)


def _in_other_project(event: Event) -> Event:
    return msgspec.structs.replace(event, project_id=OTHER_PROJECT)


def test_a_task_in_a_gap_that_goes_to_the_bottom_leaves_the_gap() -> None:
    start = given_tasks().when(MoveTask(after=BESIDE)).decision()
    facts = start.new_events
    later = given(workspace(), project(), task(), task(task_id=OTHER_TASK, number=2), facts)
    decision = later.when(MoveTask(bottom=True)).decision()
    assert [type(event) for _, event in decision.new_events] == [TaskRanked, RankTaken]
    assert decision(Ranks, ranks_stream_id(PROJECT)) == Ranks()


def test_a_long_fraction_rebalances_its_gap_beside_the_version_of_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commands.ranking.MAX_FRACTION_CHARACTERS", 0)
    decision = given_tasks().when(MoveTask(after=BESIDE)).decision()
    *_, (stream, rebalanced) = decision.new_events
    assert isinstance(rebalanced, RanksRebalanced)
    assert (stream, set(rebalanced.ranks)) == (ranks_stream_id(PROJECT), {TASK})
    assert decision.version(TASK) == 2


@pytest.mark.parametrize("fields", [{}, {"before": BESIDE, "top": True}, {"top": True, "bottom": True}])
def test_a_move_names_one_place(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="before, after, top and bottom"):
        MoveTask(**fields)


def test_a_trashed_task_keeps_its_rank() -> None:
    decision = given_tasks().when(TrashTask(expected_version=1)).decision()
    assert [type(event).__name__ for _, event in decision.new_events] == ["TaskTrashed"]
