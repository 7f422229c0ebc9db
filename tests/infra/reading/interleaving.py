"""Interleaving: one process reads while others write, fold and publish, one step at a time, in any order.

Messages arrive late, out of order, or never; reads pause wherever they await. An answer is exactly the state of the log
at the position that it names, and includes all that was reported or polled before the read began.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import closing
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from domain.event import Change
from domain.task import TaskRenamed
from infra import log
from infra.database.connections import connect
from infra.ids import new_id
from infra.reading.reader import ReadResult
from infra.settings import Settings
from infra.worker.projector import Projector
from projections import task_list
from projections.engine.advance import BatchReport
from projections.engine.connection import SyncConnection
from projections.question import Question
from tests.examples import ADA, CREATED, project
from tests.projections import oracle
from tests.projections.answers import all_tasks_of
from tests.reading_process import ReadingProcess, open_reading_process

NEVER_S = 3600.0
Step = tuple[str, int]
_NUMBER = st.integers(0, 5)


def _sequence_of(*kinds: str) -> st.SearchStrategy[list[Step]]:
    return st.tuples(*(_NUMBER for _ in kinds)).map(lambda numbers: list(zip(kinds, numbers, strict=True)))


_COMPLETED_READ = _NUMBER.map(lambda number: [("read", number), ("resume", 5)])
_STARTED_READ = _NUMBER.map(lambda number: [("read", number), ("resume", 0)])
_DELIVERED_CHANGE = _sequence_of("write", "fold", "deliver")
_LOST_THEN_DELIVERED_CHANGE = _sequence_of("write", "fold", "drop", "write", "fold", "deliver")
_RESUME_ALL = st.just([("resume", 5)])
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        st.one_of(
            _COMPLETED_READ, _COMPLETED_READ, _COMPLETED_READ, _STARTED_READ, _RESUME_ALL, _sequence_of("resume")
        ),
        st.one_of(
            _DELIVERED_CHANGE,
            _LOST_THEN_DELIVERED_CHANGE,
            _sequence_of("write", "fold", "drop"),
            _sequence_of("write", "fold"),
        ),
        st.one_of(_sequence_of("deliver"), _sequence_of("drop"), _sequence_of("poll", "poll"), _sequence_of("poll")),
        st.one_of(
            _DELIVERED_CHANGE,
            _COMPLETED_READ,
            _sequence_of("reconnect"),
            _sequence_of("corrupt_cache"),
            _sequence_of("receive_foreign"),
        ),
    ),
    min_size=8,
    max_size=20,
).map(lambda rows: [step for row in rows for step in row])
"""Steps that often follow each other are drawn together; Hypothesis separates them when it shrinks an example."""


class PendingRead(Struct, frozen=True):
    """A read in flight: its task (None: all tasks), and the position that its answer must include."""

    task: UUID | None
    min_position: int
    read: asyncio.Task[ReadResult]


class Breakpoints:
    """The places where reads await: a task that gets there pauses until it is resumed."""

    def __init__(self) -> None:
        self.paused: list[asyncio.Future[None]] = []
        self.running = set[asyncio.Task[Any]]()

    def after(self, what: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def stopping(*arguments: Any) -> Any:
            found = await what(*arguments)
            await self._pause()
            return found

        return stopping

    def before(self, what: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., Coroutine[Any, Any, None]]:
        async def stopping(*arguments: Any) -> None:
            await self._pause()
            await what(*arguments)

        return stopping

    def resume(self, number: int) -> None:
        if self.paused:
            self.paused.pop(number % len(self.paused)).set_result(None)

    async def wait_until_paused(self, other_tasks: Callable[[], Iterable[asyncio.Task[Any]]]) -> None:
        """Wait until each running task, and each of these, is paused or done."""
        for _ in range(5):
            await asyncio.sleep(0)
            while len([one for one in {*self.running, *other_tasks()} if not one.done()]) != len(self.paused):  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.001)

    async def _pause(self) -> None:
        self.running.add(asyncio.current_task() or pytest.fail("not in a task"))
        self.paused.append(asyncio.get_running_loop().create_future())
        await self.paused[-1]


class Simulation:
    """The state of one example, in a project of its own; polls use a connection of their own."""

    poll_connection: AsyncConnection[TupleRow]

    def __init__(
        self,
        connection: SyncConnection,
        worker: tuple[Projector, list[BatchReport]],
        process: ReadingProcess,
        stops: Breakpoints,
    ) -> None:
        self._connection, self._process, self._stops = connection, process, stops
        self._projector, self._messages = worker
        self._project, self._tasks = new_id(), [new_id(), new_id()]
        self._titles: list[tuple[int, UUID, str]] = []
        self._pending_reads: list[PendingRead] = []
        self._folded_position = self._reported_position = 0
        self._polled: dict[str, Any] = {}
        self._polled_position = 0
        key = f"P{self._project.hex[-8:].upper()}"
        created = [
            replace(CREATED, project_id=self._project, number=number, key=f"{key}-{number}") for number in range(1, 3)
        ]
        oracle.append_facts(connection, [*project(self._project, key), *zip(self._tasks, created, strict=True)])
        self._titles += [(log.head(connection), one, "Buy milk") for one in self._tasks]
        self._projector.project(0)
        self._messages.clear()
        self._folded_position = log.head(connection)

    async def step(self, kind: str, number: int) -> None:
        done = getattr(self, kind)(number)
        if done is not None:
            await done
        await self._stops.wait_until_paused(self._running_tasks)
        self._check()

    async def end(self) -> None:
        """Resume all tasks until they are done."""
        while self._stops.paused:
            self._stops.resume(0)
            await self._stops.wait_until_paused(self._running_tasks)
        await asyncio.wait_for(asyncio.gather(*(one.read for one in self._pending_reads)), 10)
        self._check()

    def write(self, number: int) -> None:
        one, title = self._tasks[number % 2], f"title {len(self._titles)}"
        oracle.append_facts(self._connection, [(one, TaskRenamed(Change("", title)))])
        self._titles.append((log.head(self._connection), one, title))

    def fold(self, _: int) -> None:
        """Fold, which leaves a message to deliver or drop."""
        self._projector.project(0)
        self._folded_position = log.head(self._connection)

    def deliver(self, number: int) -> None:
        if self._messages:
            message = self._messages.pop(number % len(self._messages))
            self._process.progress._on_message(msgspec.json.encode(message))  # noqa: SLF001 - as the subscription does
            self._reported_position = max(self._reported_position, message.position)

    def drop(self, number: int) -> None:
        if self._messages:
            self._messages.pop(number % len(self._messages))

    def receive_foreign(self, number: int) -> None:
        """Receive a message about another database: far ahead, far behind, or, if it names it, about to be as far."""
        is_named = bool(self._polled) and number > 2
        start = self._folded_position if is_named else (10**9, 10**9 + 1, 0)[number % 3]
        away = BatchReport(["task_list"], 0, start, start + 1, 1, database="another" if is_named else "")
        self._process.progress._on_message(msgspec.json.encode(away))  # noqa: SLF001 - as above

    async def poll(self, _: int) -> None:
        """Poll; the positions of the previous poll are known from now on."""
        folded = self._folded_position
        self._polled = await self._process.progress_poller._poll_once(self.poll_connection, self._polled)  # noqa: SLF001 - as above
        self._reported_position = max(self._reported_position, self._polled_position)
        self._polled_position = folded

    def reconnect(self, _: int) -> None:
        """Lose all undelivered messages, with a gap that the subscription reports."""
        self._messages.clear()
        self._process.subscription._on_message("subscribe", None, b"")  # noqa: SLF001 - as above
        self._reported_position = self._folded_position

    async def corrupt_cache(self, _: int) -> None:
        """Overwrite the answers in Redis with garbage."""
        for key in await self._process.redis_client.keys("task_list*"):
            await self._process.redis_client.set(key, b"garbage")

    def read(self, number: int) -> None:
        one = (self._tasks[0], None)[number % 2]
        question = task_list.by_id(one, ADA.id) if one else all_tasks_of(self._project)
        self._pending_reads.append(
            PendingRead(one, self._reported_position, asyncio.create_task(self._answer(question)))
        )

    async def resume(self, number: int) -> None:
        """Resume one task by one step, or, with a number over 1, all tasks to the end."""
        self._stops.resume(number)
        await self._stops.wait_until_paused(self._running_tasks)
        while number > 1 and self._stops.paused:
            self._stops.resume(number)
            await self._stops.wait_until_paused(self._running_tasks)

    async def _answer(self, question: Question) -> ReadResult:
        return await self._process.reader.answer(question)

    def _check(self) -> None:
        for asked in [one for one in self._pending_reads if one.read.done()]:
            self._pending_reads.remove(asked)
            found = asked.read.result()
            shown = _titles(found, asked.task)
            wanted = [one for one in self._tasks if asked.task in {one, None}]
            assert found.age_s is None
            assert shown == self._titles_at(found.position, wanted), f"not the titles at position {found.position}"
            later = {found.position, *(position for position, *_ in self._titles), asked.min_position}
            true = [
                self._titles_at(position, wanted)
                for position in later
                if asked.min_position <= position <= self._folded_position
            ]
            assert shown in true, f"older than {asked.min_position}, the position known when the read began"

    def _running_tasks(self) -> Iterable[asyncio.Task[Any]]:
        flights = self._process.reader._in_flight.values()  # noqa: SLF001 - as above
        return {*(flight.task for flight in flights), *self._process.pool._background_tasks}  # noqa: SLF001 - as above

    def _titles_at(self, position: int, wanted: list[UUID]) -> dict[str, str]:
        return {str(one): title for at, one, title in self._titles if at <= position and one in wanted}


def _titles(found: ReadResult, one: UUID | None) -> dict[str, str]:
    body = msgspec.json.decode(found.answer.body if found.answer else b"null")
    return {each["id"]: each["title"] for each in ([body] if one else body["items"])}


async def simulate(settings: Settings, steps: list[Step]) -> None:
    """Run the steps, and check the answer of every read."""
    with connect(settings.database_url) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr("infra.time_budget.READ_S", NEVER_S)
        async with open_reading_process(settings) as here:
            patch.setattr(here.progress, "is_live", lambda: True)
            stops = Breakpoints()
            stopping: list[tuple[Any, str, Any]] = [
                (here.tables, "state_of", stops.after),
                (here.tables, "run", stops.after),
                (here.reader.shared_cache, "get", stops.after),
                (here.reader.shared_cache, "set", stops.before),
            ]
            for place, name, manner in stopping:
                patch.setattr(place, name, manner(getattr(place, name)))
            messages = list[BatchReport]()
            with closing(Projector(settings.database_url, 1, messages.append)) as projector:
                story = Simulation(connection, (projector, messages), here, stops)
                async with await here.pool.connect_separately("test") as story.poll_connection:
                    for kind, number in steps:
                        await story.step(kind, number)
                    await story.end()
