"""A cache never serves a stale answer as fresh (P17): each check is proven by a planted defect."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
import pytest
import redis
from msgspec.structs import replace

from domain.event import Change
from domain.task import TaskRenamed
from infra import log
from infra.database.connections import connect
from infra.messaging.subscription import LIVENESS_S, Subscription
from infra.reading import tables
from infra.reading.cached_answer import BuildState
from infra.reading.memory_cache import MemoryCache
from infra.reading.progress_messages import PROGRESS_CHANNEL
from infra.reading.reader import Reader
from infra.reading.tables import ReadTables
from infra.settings import Settings
from infra.worker.projector import Projector
from projections import task_list
from projections.engine import advance, builds, cache_generations, folding
from projections.engine.advance import BatchReport
from projections.engine.connection import SyncConnection
from projections.question import Question
from tests.e2e.running_instance import poll_until
from tests.examples import ADA, CREATED, PROJECT, TASK, fixed_uuid7, project, task, workspace
from tests.planted_defects import assert_async_check_fails
from tests.projections import oracle
from tests.projections.answers import all_tasks_of
from tests.reading_process import ReadingProcess, open_reading_process

Check: TypeAlias = Callable[["CacheScenario"], Awaitable[None]]


class CacheScenario:
    """An API process that reads, a worker that folds, and writes to the log."""

    def __init__(self, settings: Settings, connection: SyncConnection, reader: ReadingProcess) -> None:
        self.settings, self.connection, self.process = settings, connection, reader
        self.reader, self.progress_waiter = reader.reader, reader.progress_waiter
        self.published: list[BatchReport] = []
        self.publish = self.published.append
        self._renamed = 0

    def fold(self, partition: int = 0) -> None:
        projector = Projector(self.settings.database_url, partition + 1, self.publish)
        projector.project(partition)
        projector.close()

    def rename_tasks(self, *tasks: UUID) -> str:
        """Rename the tasks; returns their new title."""
        self._renamed += 1
        title = f"title {self._renamed}"
        oracle.append_facts(self.connection, [(each, TaskRenamed(Change("", title))) for each in tasks])
        return title

    async def title(self, each: UUID = TASK, reader: Reader | None = None) -> str:
        answer = (await (reader or self.reader).answer(task_list.by_id(each, ADA.id))).answer
        assert answer
        return str(msgspec.json.decode(answer.body)["title"])

    async def titles(self) -> dict[str, str]:
        answer = (await self.reader.answer(all_tasks_of(PROJECT))).answer
        assert answer
        return {each["id"]: each["title"] for each in msgspec.json.decode(answer.body)["items"]}


@asynccontextmanager
async def cache_scenario(settings: Settings) -> AsyncIterator[CacheScenario]:
    with connect(settings.database_url) as connection:
        oracle.append_facts(connection, [*workspace(), *project(), *task()])
        oracle.catch_up(connection)
        async with open_reading_process(settings) as made:
            yield CacheScenario(settings, connection, made)


@pytest.fixture
async def scenario(settings: Settings) -> AsyncIterator[CacheScenario]:
    async with cache_scenario(settings) as made:
        yield made


async def out_of_order_partition_commits_are_seen(here: CacheScenario) -> None:
    """A list of tasks of two partitions: one is ahead when the list is read, the other commits below it later."""
    far = next(each for each in map(fixed_uuid7, range(9_000, 9_100)) if folding.partition_of(each, 2))
    near = next(each for each in map(fixed_uuid7, range(9_000, 9_100)) if not folding.partition_of(each, 2))
    tasks = [*task(task_id=far, number=2), *task(task_id=near, number=3)]
    oracle.append_facts(here.connection, tasks)
    oracle.catch_up(here.connection)
    advance.repartition(here.connection, oracle.serving_build(here.connection, "task_list"), log.load_after, 2)
    title = here.rename_tasks(near, far)
    here.fold(1)
    assert (await here.titles())[str(far)] == title
    assert (await here.titles())[str(near)] != title, "the other partition should lag"
    here.fold(0)
    assert (await here.titles())[str(near)] == title


async def published_progress_is_already_committed(here: CacheScenario) -> None:
    """A process that receives a position and a generation finds both in the database."""
    received, too_early = list[BatchReport](), list[str]()

    def look(progress: BatchReport) -> None:
        with connect(here.settings.database_url) as other:
            for name in progress.projections:
                number, reported = oracle.serving_build(other, name).number, progress.generations.get(name, {})
                sql = "select scope, generation from read.generations where build = %s"
                found: dict[UUID, int] = dict(other.execute(sql, (number,)).fetchall())
                if oracle.checkpoint_position(other, name) < progress.position or found | reported != found:
                    too_early.append(name)
        received.append(progress)

    here.publish = look
    for _ in range(3):
        title = here.rename_tasks(TASK)
        here.fold()
        assert await here.title() == title
    assert len([progress for progress in received if progress.generations.get("task_list")]) >= 3
    assert not too_early


async def an_unpublished_commit_is_seen(here: CacheScenario) -> None:
    """The worker is killed between its commit and its message: nothing that follows depends on the message."""
    await here.title()
    await here.titles()
    title = here.rename_tasks(TASK)
    with connect(here.settings.database_url) as connection:
        until = log.head(connection)
    killed = await asyncio.to_thread(_fold_and_kill, here.settings)
    assert killed == -signal.SIGKILL
    assert oracle.checkpoint_position(here.connection, "task_list") == until, (
        "the worker should be killed after its commit"
    )
    assert not here.published
    assert (await here.title(), (await here.titles())[str(TASK)]) == (title, title)
    await asyncio.wait_for(here.progress_waiter.wait("task_list", until, 5), 5)


def _fold_and_kill(settings: Settings) -> int:
    code = """import os, signal, sys; from infra.worker.projector import Projector
Projector(sys.argv[1], 1, lambda _: os.kill(os.getpid(), signal.SIGKILL)).project(0)"""
    return subprocess.run([sys.executable, "-c", code, settings.database_url], check=False, env=os.environ).returncode


async def a_restored_shared_cache_is_stale(here: CacheScenario) -> None:
    """Redis is restored from an older file."""
    before = await here.title()
    with redis.Redis.from_url(here.settings.redis_url) as client:
        await asyncio.to_thread(poll_until, lambda: any(client.scan_iter(f"task_list-*{TASK}*")))
        old = {key: client.dump(key) for key in client.scan_iter(f"task_list-*{TASK}*")}
        title = here.rename_tasks(TASK)
        here.fold()
        assert await here.title() == title != before
        client.delete(*client.scan_iter(f"task_list-*{TASK}*"))
        for key, value in old.items():
            client.restore(key, 0, value)
    async with open_reading_process(here.settings) as fresh:  # with an empty in-process cache
        assert await here.title(reader=fresh.reader) == title


async def refolded_rows_get_new_generations(here: CacheScenario) -> None:
    """The last commits of a projection can be lost with PostgreSQL: they are folded again, in other batches."""
    build = oracle.serving_build(here.connection, "task_list")
    held, position = oracle.build_rows(here.connection, build), oracle.checkpoint_position(here.connection, "task_list")
    sql = "select scope, generation from read.generations where build = %s"
    known = here.connection.execute(sql, (build.number,)).fetchall()
    lost = here.rename_tasks(TASK)
    here.fold()
    assert (await here.title(), (await here.titles())[str(TASK)]) == (lost, lost)
    with here.connection.transaction():
        oracle.write_rows(here.connection, "task_list", held)
        here.connection.execute("update read.checkpoints set position = %s where build = %s", (position, build.number))
        here.connection.execute("delete from read.generations where build = %s", (build.number,))
        for scope, generation in known:
            row = (build.number, scope, generation)
            here.connection.execute("insert into read.generations (build, scope, generation) values (%s, %s, %s)", row)
    title = here.rename_tasks(TASK)
    advance.catch_up(here.connection, build, log.load_after, log.head(here.connection))
    assert (await here.title(), (await here.titles())[str(TASK)]) == (title, title)


async def a_waiter_on_a_silent_subscription_polls(here: CacheScenario) -> None:
    """The subscription is open but receives nothing: a waiting reader polls."""
    listening = asyncio.create_task(here.process.subscription.listen())
    with redis.Redis.from_url(here.settings.redis_url) as client:
        await asyncio.to_thread(
            poll_until, lambda: dict(client.pubsub_numsub(PROGRESS_CHANNEL))[PROGRESS_CHANNEL.encode()]
        )
    here.rename_tasks(TASK)
    until = log.head(here.connection)
    waiting = asyncio.create_task(here.progress_waiter.wait("task_list", until, 20))
    fetches = here.progress_waiter._fetches  # noqa: SLF001 - the position that it found before the fold
    await asyncio.to_thread(poll_until, lambda: "task_list" in fetches)
    await fetches["task_list"]
    assert not waiting.done()
    await asyncio.to_thread(here.fold)
    try:
        await asyncio.wait_for(waiting, 2)
    except TimeoutError:
        raise AssertionError("the waiter did not poll") from None
    finally:
        listening.cancel()


async def a_silent_subscription_is_distrusted_within_a_second(here: CacheScenario) -> None:
    """The subscription is open but receives nothing: cached answers are trusted for a second only."""
    async with open_reading_process(here.settings, subscribed=True) as other:
        assert await here.title(reader=other.reader)
        other.subscription._on_message = lambda *_: None  # type: ignore[method-assign]  # noqa: SLF001 - nothing is received
        title = here.rename_tasks(TASK)
        here.fold()
        deadline = asyncio.get_running_loop().time() + LIVENESS_S + 1
        while await here.title(reader=other.reader) != title:
            assert asyncio.get_running_loop().time() < deadline, "it still uses its cache"
            await asyncio.sleep(0.01)


CHECKS = [
    out_of_order_partition_commits_are_seen,
    published_progress_is_already_committed,
    an_unpublished_commit_is_seen,
    a_restored_shared_cache_is_stale,
    refolded_rows_get_new_generations,
    a_waiter_on_a_silent_subscription_polls,
    a_silent_subscription_is_distrusted_within_a_second,
]


@pytest.mark.parametrize("check", CHECKS)
async def test_nothing_stale_is_served_as_fresh(scenario: CacheScenario, check: Check) -> None:
    await check(scenario)


def the_highest_position_as_generation(_: CacheScenario, patch: pytest.MonkeyPatch) -> None:
    highest = f"""select serving.projection, serving.build,
        (select min(position) from read.checkpoints where build = serving.build),
        (select coalesce(max(position), 0) from read.checkpoints
          where build = serving.build and serving.projection = 'task_list' and %s::uuid[] is not null)
        from read.serving where {builds.IS_THIS_CODE_SQL}"""  # noqa: S608 - our own text
    patch.setattr(tables, "_SELECT_STATE", highest)


def publishing_before_the_commit(here: CacheScenario, patch: pytest.MonkeyPatch) -> None:
    take = advance._fold_transaction  # noqa: SLF001 - as above

    def early(connection: SyncConnection, *rest: Any) -> BatchReport | None:
        with connection.transaction():
            progress = take(connection, *rest)
            if progress:
                here.publish(progress)
        return progress

    patch.setattr(advance, "_fold_transaction", early)


def published_generations_are_trusted(here: CacheScenario, patch: pytest.MonkeyPatch) -> None:
    state = ReadTables.state_of

    async def believing(self: ReadTables, question: Question) -> BuildState:
        generations = [progress.generations["task_list"].get(question.scopes[0], 0) for progress in here.published]
        return replace(await state(self, question), generation=max(generations, default=0))

    async def kept(self: ReadTables, question: Question, numbers: dict[str, int]) -> Any:
        found, seen = await asked(self, question, numbers), await believing(self, question)
        return found and (found[0], replace(found[1], generation=seen.generation))

    asked = ReadTables.run
    patch.setattr(ReadTables, "state_of", believing)
    patch.setattr(ReadTables, "run", kept)


def generations_ignored(here: CacheScenario, patch: pytest.MonkeyPatch) -> None:
    """And a worker clears the cache instead, a common design."""
    patch.setattr(BuildState, "is_unchanged_since", lambda *_: True)
    project_ = Projector.project

    def clearing(self: Projector, partition: int) -> None:
        project_(self, partition)
        with redis.Redis.from_url(here.settings.redis_url) as client:
            client.delete(*client.scan_iter("task_list-*"), "none")
        for key in list(here.process.memory_cache._entries):  # noqa: SLF001 - as above
            here.process.memory_cache._remove(key)  # noqa: SLF001 - as above

    patch.setattr(Projector, "project", clearing)


def generations_from_a_counter(_: CacheScenario, patch: pytest.MonkeyPatch) -> None:
    text = cache_generations._BUMP  # noqa: SLF001 - as above
    counting = text.replace(b"(extract(epoch from clock_timestamp()) * 1000000)::bigint", b"1::bigint")
    assert counting != text
    patch.setattr(cache_generations, "_BUMP", counting)


def waiters_do_not_poll(_: CacheScenario, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("infra.reading.progress_waiting.WAITER_POLL_INTERVAL_S", 3600.0)


def silence_taken_for_no_change(_: CacheScenario, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Subscription, "is_alive", lambda _: True)
    patch.setattr(MemoryCache, "invalidate", lambda *_: None)


DEFECTS = [
    (the_highest_position_as_generation, out_of_order_partition_commits_are_seen),
    (publishing_before_the_commit, published_progress_is_already_committed),
    (published_generations_are_trusted, an_unpublished_commit_is_seen),
    (generations_ignored, a_restored_shared_cache_is_stale),
    (generations_from_a_counter, refolded_rows_get_new_generations),
    (waiters_do_not_poll, a_waiter_on_a_silent_subscription_polls),
    (silence_taken_for_no_change, a_silent_subscription_is_distrusted_within_a_second),
]


@pytest.mark.parametrize(("plant", "check"), DEFECTS)
async def test_a_planted_defect_is_noticed(
    scenario: CacheScenario,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[CacheScenario, pytest.MonkeyPatch], None],
    check: Check,
) -> None:
    plant(scenario, monkeypatch)
    await assert_async_check_fails(partial(check, scenario))


async def test_a_read_of_a_dropped_build_is_retried(scenario: CacheScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two switches happen between two statements of one reader."""
    state, builds_before = ReadTables.state_of, list[int]()

    async def late(self: ReadTables, question: Question) -> BuildState:
        found = await state(self, question)
        if not builds_before:
            builds_before.append(found.builds["task_list"])
            for _ in range(2):
                assert (
                    await asyncio.to_thread(oracle.rebuild_inline, scenario.settings.database_url, "task_list")
                ).switched
        return found

    monkeypatch.setattr(ReadTables, "state_of", late)
    assert await scenario.title() == CREATED.title
    assert oracle.serving_build(scenario.connection, "task_list").number >= builds_before[0] + 2
