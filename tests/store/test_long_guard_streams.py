"""Guard streams on PostgreSQL: after 120,000 changes a decision still reads and changes them in little time."""

from random import Random
from time import perf_counter

import pytest

from domain.event import Change, Event, State
from domain.relation import BlockAdded, BlockGraph
from domain.subtask import SubtaskPlaced, TaskTree
from infra.database.connections import connect
from infra.log import snapshots
from infra.settings import Settings
from tests.examples import fixed_uuid7
from tests.projections import oracle
from tests.store.two_processes import two_processes

pytestmark = pytest.mark.slow

CHANGES, PER_APPEND = 120_000, 500
MAX_COLD_READ_S, MAX_CHANGE_S = 1.0, 0.05
"""Ten to fifty times what they take on an idle machine; decoded and copied as a whole, a state takes more."""
IDS = [fixed_uuid7(1_000_000 + number) for number in range(CHANGES + 1)]


def tree_events() -> list[Event]:
    """Each task is put below one of the last 50 before it."""
    chance = Random(1)
    parents = [IDS[chance.randrange(max(0, number - 50), number)] for number in range(1, CHANGES + 1)]
    return [SubtaskPlaced(task, Change(None, parent)) for task, parent in zip(IDS[1:], parents, strict=True)]


def block_events() -> list[Event]:
    chance = Random(1)
    blockers = [IDS[chance.randrange(max(0, number - 50), number)] for number in range(1, CHANGES + 1)]
    return [BlockAdded(blocker, task) for task, blocker in zip(IDS[1:], blockers, strict=True)]


@pytest.mark.parametrize(
    ("state_type", "events"), [(TaskTree, tree_events()), (BlockGraph, block_events())], ids=["tree", "blocks"]
)
async def test_a_long_guard_stream_is_read_and_changed_in_little_time(
    state_type: type[State], events: list[Event], settings: Settings
) -> None:
    stream = fixed_uuid7(1)
    with connect(settings.migration_url) as owner:
        for start in range(0, CHANGES, PER_APPEND):
            oracle.append_facts(owner, [(stream, event) for event in events[start : start + PER_APPEND]])
    async with two_processes(settings.database_url) as both:
        log = both.logs[0]
        (last,) = await log.load_stream(stream, CHANGES)
        (folded,) = await log.load_states([(stream, state_type)])
        async with both.pools[0].connection() as connection:
            await snapshots.save(connection, stream, folded, last.command_id)
        started_at = perf_counter()
        (loaded,) = await log.load_states([(stream, state_type)])
        cold_s = perf_counter() - started_at
        assert loaded == folded
        started_at = perf_counter()
        state_type.evolve(loaded.states[state_type], events[-1])
        change_s = perf_counter() - started_at
    assert cold_s < MAX_COLD_READ_S, f"read in {cold_s:.3f} s, changed in {change_s:.5f} s"
    assert change_s < MAX_CHANGE_S, f"read in {cold_s:.3f} s, changed in {change_s:.5f} s"
