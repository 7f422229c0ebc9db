"""Interleaving: one process reads while others write, fold and tell, each a step at a time, in any order.

Messages come late, in another order, or never; reads stop at every place at which they wait. An answer shows exactly
what the log said at the position that it names, and what was heard or looked at before it was asked for.
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
from infra.database.pool import connect
from infra.ids import new_id
from infra.reading import reader as reading
from infra.reading.reader import ReadResult
from infra.settings import Settings
from infra.worker.projector import Projector
from projections import task_list
from projections.engine.advance import BatchReport
from projections.engine.builds import SyncConnection
from projections.projection import Question
from tests.examples import CREATED, project
from tests.projections import oracle
from tests.projections.asking import whole
from tests.reader import ReadingProcess, open_reading_process

NEVER_S = 3600.0
Step = tuple[str, int]
_NUMBER = st.integers(0, 5)


def _in_a_row(*kinds: str) -> st.SearchStrategy[list[Step]]:
    return st.tuples(*(_NUMBER for _ in kinds)).map(lambda numbers: list(zip(kinds, numbers, strict=True)))


_TO_THE_END = _NUMBER.map(lambda number: [("ask", number), ("go_on", 5)])
_BEGUN = _NUMBER.map(lambda number: [("ask", number), ("go_on", 0)])
_CHANGED = _in_a_row("write", "fold", "deliver")
_ENDED = st.just([("go_on", 5)])
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        st.one_of(_TO_THE_END, _TO_THE_END, _TO_THE_END, _BEGUN, _ENDED, _in_a_row("go_on")),
        st.one_of(_CHANGED, _CHANGED, _in_a_row("write", "fold", "lose"), _in_a_row("write", "fold")),
        st.one_of(_in_a_row("deliver"), _in_a_row("lose"), _in_a_row("look", "look"), _in_a_row("look")),
        st.one_of(_CHANGED, _TO_THE_END, _in_a_row("reconnect"), _in_a_row("spoil"), _in_a_row("foreign")),
    ),
    min_size=8,
    max_size=20,
).map(lambda rows: [step for row in rows for step in row])
"""What often goes together is drawn together, and comes apart where Hypothesis makes an example smaller."""


class Asked(Struct, frozen=True):
    """A read under way: what it asks, and the position that whatever it answers includes."""

    task: UUID | None
    at_least: int
    read: asyncio.Task[ReadResult]


class Stops:
    """The places at which reading waits: whoever gets there stops until told to go on."""

    def __init__(self) -> None:
        self.stopped: list[asyncio.Future[None]] = []
        self.at_work = set[asyncio.Task[Any]]()

    def after(self, what: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def stopping(*arguments: Any) -> Any:
            found = await what(*arguments)
            await self._stop()
            return found

        return stopping

    def before(self, what: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., Coroutine[Any, Any, None]]:
        async def stopping(*arguments: Any) -> None:
            await self._stop()
            await what(*arguments)

        return stopping

    def go_on(self, number: int) -> None:
        if self.stopped:
            self.stopped.pop(number % len(self.stopped)).set_result(None)

    async def quiet(self, others: Callable[[], Iterable[asyncio.Task[Any]]]) -> None:
        """Wait until everybody who is at work, and these too, has stopped somewhere or is done."""
        for _ in range(5):
            await asyncio.sleep(0)
            while len([one for one in {*self.at_work, *others()} if not one.done()]) != len(self.stopped):  # noqa: ASYNC110 - nobody tells when it is so
                await asyncio.sleep(0.001)

    async def _stop(self) -> None:
        self.at_work.add(asyncio.current_task() or pytest.fail("nobody"))
        self.stopped.append(asyncio.get_running_loop().create_future())
        await self.stopped[-1]


class Story:
    """What has happened so far, in a project of its own; looks go by a connection of theirs."""

    looks: AsyncConnection[TupleRow]

    def __init__(
        self,
        connection: SyncConnection,
        worker: tuple[Projector, list[BatchReport]],
        here: ReadingProcess,
        stops: Stops,
    ) -> None:
        self._connection, self._here, self._stops = connection, here, stops
        self._projector, self._messages = worker
        self._project, self._tasks = new_id(), [new_id(), new_id()]
        self._titles: list[tuple[int, UUID, str]] = []
        self._asked: list[Asked] = []
        self._folded = self._heard = 0
        self._looked: dict[str, Any] = {}
        self._looked_at = 0
        key = f"P{self._project.hex[-8:].upper()}"
        created = [
            replace(CREATED, project_id=self._project, number=number, key=f"{key}-{number}") for number in range(1, 3)
        ]
        oracle.write(connection, [*project(self._project, key), *zip(self._tasks, created, strict=True)])
        self._titles += [(log.head(connection), one, "Buy milk") for one in self._tasks]
        self._projector.project(0)
        self._messages.clear()
        self._folded = log.head(connection)

    async def step(self, kind: str, number: int) -> None:
        done = getattr(self, kind)(number)
        if done is not None:
            await done
        await self._stops.quiet(self._at_work)
        self._check()

    async def end(self) -> None:
        """Let everybody come to an end."""
        while self._stops.stopped:
            self._stops.go_on(0)
            await self._stops.quiet(self._at_work)
        await asyncio.wait_for(asyncio.gather(*(one.read for one in self._asked)), 10)
        self._check()

    def write(self, number: int) -> None:
        one, title = self._tasks[number // 5], f"title {len(self._titles)}"
        oracle.write(self._connection, [(one, TaskRenamed(Change("", title)))])
        self._titles.append((log.head(self._connection), one, title))

    def fold(self, _: int) -> None:
        """And the message is on its way."""
        self._projector.project(0)
        self._folded = log.head(self._connection)

    def deliver(self, number: int) -> None:
        if self._messages:
            message = self._messages.pop(number % len(self._messages))
            self._here.projected._on_message(msgspec.json.encode(message))  # noqa: SLF001 - as the channel does it
            self._heard = max(self._heard, message.position)

    def lose(self, number: int) -> None:
        if self._messages:
            self._messages.pop(number % len(self._messages))

    def foreign(self, _: int) -> None:
        """Somebody else's message, of another database."""
        away = BatchReport(["task_list"], 0, 10**9, 10**9 + 1, 1)
        self._here.projected._on_message(msgspec.json.encode(away))  # noqa: SLF001 - as above

    async def look(self, _: int) -> None:
        """As it does four times a second; what stood there the time before is known from now on."""
        folded = self._folded
        self._looked = await self._here.projected._poll_once(self.looks, self._looked)  # noqa: SLF001 - as above
        self._heard = max(self._heard, self._looked_at)
        self._looked_at = folded

    def reconnect(self, _: int) -> None:
        """What was on its way is lost, and the channel says so."""
        self._messages.clear()
        self._here.channel._on_message("subscribe", None, b"")  # noqa: SLF001 - as above
        self._heard = self._folded

    async def spoil(self, _: int) -> None:
        """Garbage gets into what Redis holds."""
        for key in await self._here.client.keys("task_list*"):
            await self._here.client.set(key, b"garbage")

    def ask(self, number: int) -> None:
        one = (self._tasks[0], None)[number % 2]
        question = task_list.by_id(one) if one else whole(self._project)
        self._asked.append(Asked(one, self._heard, asyncio.create_task(self._answered(question))))

    async def go_on(self, number: int) -> None:
        """Somebody by one step; or everybody, to the end."""
        self._stops.go_on(number)
        await self._stops.quiet(self._at_work)
        while number > 1 and self._stops.stopped:
            self._stops.go_on(number)
            await self._stops.quiet(self._at_work)

    async def _answered(self, question: Question) -> ReadResult:
        return await self._here.reading.answer(question)

    def _check(self) -> None:
        for asked in [one for one in self._asked if one.read.done()]:
            self._asked.remove(asked)
            found = asked.read.result()
            shown = _titles(found, asked.task)
            wanted = [one for one in self._tasks if asked.task in {one, None}]
            assert found.age_s is None
            assert shown == self._at(found.position, wanted), f"not what was so at {found.position}"
            later = {found.position, *(position for position, *_ in self._titles), asked.at_least}
            true = [self._at(position, wanted) for position in later if asked.at_least <= position <= self._folded]
            assert shown in true, f"older than {asked.at_least}, which was known when it was asked for"

    def _at_work(self) -> Iterable[asyncio.Task[Any]]:
        flights = self._here.reading._in_flight.values()  # noqa: SLF001 - as above
        return {*(flight.task for flight in flights), *self._here.pool._background_tasks}  # noqa: SLF001 - as above

    def _at(self, position: int, wanted: list[UUID]) -> dict[str, str]:
        return {str(one): title for at, one, title in self._titles if at <= position and one in wanted}


def _titles(found: ReadResult, one: UUID | None) -> dict[str, str]:
    body = msgspec.json.decode(found.answer.body if found.answer else b"null")
    return {each["id"]: each["title"] for each in ([body] if one else body["items"])}


async def told(settings: Settings, steps: list[Step]) -> None:
    """Let it all happen, and check what every read finds."""
    with connect(settings.database_url) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "READ_TIMEOUT_S", NEVER_S)
        async with open_reading_process(settings) as here:
            patch.setattr(here.projected, "is_live", lambda: True)
            stops = Stops()
            stopping: list[tuple[Any, str, Any]] = [
                (here.querying, "state_of", stops.after),
                (here.querying, "run", stops.after),
                (here.reading._shared_cache, "get", stops.after),  # noqa: SLF001 - a place at which it waits
                (here.reading._shared_cache, "set", stops.before),  # noqa: SLF001 - as above
            ]
            for place, name, manner in stopping:
                patch.setattr(place, name, manner(getattr(place, name)))
            messages = list[BatchReport]()
            with closing(Projector(settings.database_url, 1, messages.append)) as projector:
                story = Story(connection, (projector, messages), here, stops)
                async with await here.pool.connect_separately("test") as story.looks:
                    for kind, number in steps:
                        await story.step(kind, number)
                    await story.end()
