"""Ranks: texts in the order of the tasks, with room between any two, and short again after a rebalance."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.event import Change
from domain.rank import (
    MAX_FRACTION_CHARACTERS,
    MAX_RANK_CHARACTERS,
    ORDINAL_CHARACTERS,
    Ranks,
    RankTaken,
    first_rank,
    last_rank,
    ordinal_before,
    ordinal_rank,
    split_rank,
)
from infra.ids import new_id
from tests.examples import fixed_uuid7

pytestmark = pytest.mark.slow

ORDINALS = st.integers(-(2**140), 2**140)


@given(st.lists(ORDINALS, unique=True))
def test_ranks_are_in_the_order_of_their_ordinals(ordinals: list[int]) -> None:
    ranks = list(map(ordinal_rank, sorted(ordinals)))
    assert ranks == sorted(ranks)
    assert {len(rank) for rank in ranks} <= {ORDINAL_CHARACTERS}


@given(ORDINALS)
def test_the_ordinal_before_one_is_the_next_smaller(ordinal: int) -> None:
    assert ordinal_before(ordinal_rank(ordinal)) == ordinal_rank(ordinal - 1)


def test_later_commands_put_tasks_behind_and_before_all_others() -> None:
    commands = [new_id() for _ in range(50)]
    last = [last_rank(command, number) for command in commands for number in (1, 2)]
    first = [first_rank(command, number) for command in commands for number in (1, 2)]
    numbered = [ordinal_rank(number) for number in (1, 2, 1_000_000)]
    assert [*reversed(first), *numbered, *last] == sorted([*first, *numbered, *last])


@pytest.mark.parametrize("place", ["before", "after", "in the middle"])
def test_ten_thousand_tasks_fit_between_two(place: str) -> None:
    low, high = ordinal_rank(5), ordinal_rank(6)
    ranks, order, rebalances, newest = Ranks(), list[UUID](), 0, low
    for number in range(10_000):
        task = fixed_uuid7(number)
        if place == "in the middle" and order:
            beside = order[len(order) // 2]
            rank = ranks.rank_after(ranks.current_rank(beside, low + "x"))
            order.insert(len(order) // 2 + 1, task)
        elif place == "before":
            rank = ranks.rank_before(high)
            order.append(task)
        else:
            rank = ranks.rank_after(low)
            order.insert(0, task)
        ranks = ranks.with_task(rank, task)
        assert len(rank) <= MAX_RANK_CHARACTERS
        if len(split_rank(rank)[1]) > MAX_FRACTION_CHARACTERS:
            event = ranks.rebalanced(split_rank(rank)[0])
            assert max(map(len, event.ranks.values())) <= ORDINAL_CHARACTERS + 3
            ranks, rebalances = Ranks.evolve(ranks, event) or ranks, rebalances + 1
        newest = rank
    gap = [each for shard in ranks.gaps.values() for each in shard.values()]
    assert [[task for _, task in tasks] for tasks in gap] == [order]
    assert low < newest < high
    assert rebalances <= 60


def test_a_task_that_leaves_a_gap_makes_room() -> None:
    task, rank = fixed_uuid7(1), Ranks().rank_after(ordinal_rank(5))
    taken = Ranks.evolve(None, RankTaken(task, Change(None, rank)))
    assert taken is not None
    assert taken.current_rank(task, rank) == rank
    assert taken.rank_after(ordinal_rank(5)) < rank
    assert Ranks.evolve(taken, RankTaken(task, Change(rank, None))) == Ranks()
