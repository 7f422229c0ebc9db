"""The store of bulk changes: claimed by one process at a time, never further back, and kept as long as it is needed."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from commands.handling.each import StoredRefusal
from commands.task import MoveTask
from infra.bulk.bulk_change import BulkChange, BulkProgress, RefusedTask, TaskGroups
from infra.bulk.bulk_store import IS_WAITING_SQL, LEASE_S, BulkStore
from infra.database.connections import connect
from infra.database.pool import create_pool
from infra.ids import new_id
from infra.rebuilding import jobs
from infra.settings import Settings
from projections.engine.connection import SyncConnection
from tests.examples import ADA, AGENT, fixed_uuid7

TASKS = [fixed_uuid7(100 + number) for number in range(60)]
NAMELESS = RefusedTask("HOME-99", StoredRefusal("not_found", "Not found."))


@pytest.fixture
def database(settings: Settings) -> Iterator[SyncConnection]:
    with connect(settings.database_url) as connection:
        yield connection


@pytest_asyncio.fixture
async def store(settings: Settings) -> AsyncIterator[BulkStore]:
    async with create_pool(settings.database_url) as pool:
        yield BulkStore(pool)


async def add(store: BulkStore, *, key: str | None = None, is_queued: bool = True) -> BulkChange:
    command = MoveTask(column="doing", top=True)
    change = BulkChange(new_id(), command, TaskGroups.of([TASKS]), AGENT, "write", fixed_uuid7(8))
    await store.add(change, BulkProgress(refused_count=1, refused=(NAMELESS,)), key, is_queued=is_queued)
    return change


def pass_time(database: SyncConnection, interval: str) -> None:
    earlier = "heard_at = heard_at - %(s)s::interval, ended_at = ended_at - %(s)s::interval"
    database.execute(f"update read.operations set {earlier}".encode(), {"s": interval})  # noqa: S608 - our own text


async def test_a_change_is_read_as_it_was_stored(store: BulkStore) -> None:
    change = await add(store, key="mine")
    assert await store.find(change.id) == (change, BulkProgress(refused_count=1, refused=(NAMELESS,)))
    found = await store.find_by_key(AGENT.id, "mine")
    assert found == await store.find_summary(change.id)
    assert found is not None
    assert (found.asked_by, found.state, found.selected) == (AGENT.user_id, "waiting", 61)
    assert await store.find_by_key(ADA.id, "mine") is None
    assert await store.find(new_id()) is None


async def test_a_change_is_claimed_once_until_its_process_is_silent(store: BulkStore, database: SyncConnection) -> None:
    change = await add(store)
    assert database.execute(IS_WAITING_SQL).fetchone() == (True,)
    assert [await store.claim(), await store.claim(), await store.claim(change.id)] == [change.id, None, None]
    assert database.execute(IS_WAITING_SQL).fetchone() == (False,)
    pass_time(database, f"{LEASE_S + 1} s")
    assert database.execute(IS_WAITING_SQL).fetchone() == (True,)
    assert await store.claim(new_id()) is None
    assert await store.claim(change.id) == change.id


async def test_progress_never_goes_back_and_the_tasks_are_gone_at_the_end(store: BulkStore) -> None:
    change = await add(store, is_queued=False)
    half, whole = BulkProgress(50, 40, 10, (NAMELESS,) * 10, 7), BulkProgress(60, 50, 10, (NAMELESS,) * 10, 9)
    assert await store.save(change, half)
    assert not await store.save(change, BulkProgress(0, 0, 0, (), 3))
    assert await store.find(change.id) == (change, half)
    assert await store.save(change, whole)
    assert not await store.save(change, whole)
    summary = await store.find_summary(change.id)
    assert summary is not None
    assert (summary.state, summary.progress) == ("done", whole)
    ended = await store.find(change.id)
    assert ended is not None
    assert ended[0].total == 0


async def test_a_change_is_kept_for_a_month_or_as_long_as_its_key(store: BulkStore, database: SyncConnection) -> None:
    changes = [await add(store, is_queued=False), await add(store, key="mine", is_queued=False)]
    for change in changes:
        await store.save(change, BulkProgress(60))
    pass_time(database, "31 days")
    jobs.reap_dead(database)
    assert [await store.find_summary(change.id) is not None for change in changes] == [False, True]
