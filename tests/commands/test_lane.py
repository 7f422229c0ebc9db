"""The lane: groups form while an append is in flight, each order is answered for itself, and nothing ends the lane."""

import asyncio
from collections.abc import Sequence

import pytest

from commands.handling import lane
from commands.handling.append import Append, AppendResult
from commands.handling.decision import CommandOn
from commands.handling.group import CommandRequest
from commands.handling.handler import CommandHandler, Committed
from commands.handling.lane import Lane
from commands.handling.stream_cache import NotLoaded, StreamCache, StreamState
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask, ReopenTask
from domain.errors import NotFound, TaskIsTrashed, TooBusy, UnknownColumn, VersionConflict
from domain.event import Change
from domain.task import TaskNumbersTaken, TaskRenamed, task_numbers_stream_id
from tests.examples import (
    ADA,
    BOB,
    COMMAND,
    COMPLETED,
    CREATED,
    PROJECT,
    RENAMED,
    TASK,
    TRASHED,
    id7,
    project,
    task,
    workspace,
)
from tests.memory_log import MemoryLog

MANY = 30


class Slow(MemoryLog):
    """Each append waits until it is let go; what it is given is kept."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.groups: list[Sequence[Append]] = []
        self.gate = asyncio.Event()

    async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        self.groups.append(appends)
        await self.gate.wait()
        return await super().append(appends)


def board(*later: object) -> Slow:
    return Slow([*workspace(), *project(), *task(*later)])  # type: ignore[arg-type]


async def knowing(log: Slow) -> CommandHandler:
    """A handling that knows the board already; from now on the log is slow."""
    handling = CommandHandler(log)
    log.gate.set()
    create = CreateTask(project_id=PROJECT, title="Buy tea")
    await handling.handle(CommandRequest([CommandOn(TASK, ReopenTask())], ADA, id7(400)))
    await handling.handle(CommandRequest([CommandOn(id7(900), create)], ADA, id7(401)))
    log.gate.clear()
    log.groups.clear()
    calls = await begun(log, handling, CommandOn(id7(901), create))
    assert not any(call.done() for call in calls)
    return handling


async def begun(log: Slow, handling: CommandHandler, *wishes: CommandOn) -> list[asyncio.Task[Committed]]:
    """All calls made at once, and as far as they get while the log holds the first append back."""
    calls = [
        asyncio.create_task(handling.handle(CommandRequest([wish], ADA, id7(500 + at))))
        for at, wish in enumerate(wishes)
    ]
    for _ in range(200):
        await asyncio.sleep(0)
    assert log.groups, "nothing is in flight"
    return calls


async def test_an_idle_lane_appends_at_once_and_what_waits_rides_together() -> None:
    log = board()
    wishes = [CommandOn(id7(1000 + n), CreateTask(project_id=PROJECT, title="Buy milk")) for n in range(MANY)]
    calls = await begun(log, await knowing(log), *wishes)
    assert [len(group) for group in log.groups] == [1]
    log.gate.set()
    done = await asyncio.gather(*calls)
    assert [len(group) for group in log.groups] == [1, MANY]
    taken = [event for event in log.past.events(task_numbers_stream_id(PROJECT)) if isinstance(event, TaskNumbersTaken)]
    assert len(taken) < 10, "numbers were taken one by one"
    assert len({one.results[0].id for one in done}) == MANY


async def test_orders_on_one_stream_are_decided_each_on_what_the_one_before_leaves() -> None:
    log = board()
    handling = await knowing(log)
    toggles = [CommandOn(TASK, ReopenTask() if n % 2 else CompleteTask()) for n in range(10)]
    calls = await begun(log, handling, *toggles)
    log.gate.set()
    done = await asyncio.gather(*calls)
    assert [one.results[0].version for one in done] == list(range(2, 12))
    assert log.past.version(TASK) == 11
    assert log.changed == 0


async def test_an_answer_that_rides_on_another_has_a_position_that_includes_it() -> None:
    log = board()
    calls = await begun(log, await knowing(log), *[CommandOn(TASK, CompleteTask())] * 3)
    log.gate.set()
    first, *others = await asyncio.gather(*calls)
    assert first.has_changes
    assert [(one.has_changes, one.position >= first.position) for one in others] == [(False, True)] * 2


async def test_one_of_those_who_saw_the_same_version_wins_within_a_group() -> None:
    log = board()
    handling = await knowing(log)
    edits = [CommandOn(TASK, EditTask(title=f"Buy {n}", expected_version=1)) for n in range(10)]
    calls = await begun(log, handling, *edits)
    log.gate.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Committed] + [VersionConflict] * 9
    for lost in answers[1:]:
        assert isinstance(lost, VersionConflict)
        (event,) = lost.params["intervening_events"]
        assert event.event == TaskRenamed(Change("Buy milk", "Buy 0"))


async def test_a_refused_order_spoils_none_of_its_group() -> None:
    log = board()
    handling = await knowing(log)
    calls = await begun(
        log,
        handling,
        CommandOn(TASK, MoveTask(column="nowhere", expected_version=1)),
        CommandOn(id7(999), CompleteTask()),
        CommandOn(TASK, CompleteTask()),
    )
    log.gate.set()
    nowhere, nothing, done = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(nowhere, UnknownColumn)
    assert isinstance(nothing, NotFound)
    assert isinstance(done, Committed)
    assert log.past.events(TASK) == [CREATED, COMPLETED]


async def test_what_was_chained_on_an_order_that_failed_is_decided_again() -> None:
    """Another process is faster: the first of a chain fails, and with it all that were decided on it."""

    log = board()
    handling = await knowing(log)
    calls = await begun(log, handling, *(CommandOn(TASK, ReopenTask() if n % 2 else CompleteTask()) for n in range(4)))
    log.past.add([(TASK, RENAMED)], BOB)
    log.gate.set()
    done = await asyncio.gather(*calls)
    assert log.changed >= 4
    assert sum(one.has_changes for one in done) == log.past.version(TASK) - 2


async def test_an_answer_about_the_past_is_never_given() -> None:
    """What this process knows is behind the log: the no-op, the refusal and the conflict are all decided again."""
    log = MemoryLog([*workspace(), *project(), *task(COMPLETED)])
    handling = CommandHandler(log)
    await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    elsewhere = CommandHandler(log)
    await elsewhere.handle(CommandRequest([CommandOn(TASK, ReopenTask())], ADA, id7(601)))
    again = await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, id7(602)))
    assert (again.has_changes, log.past.events(TASK)[-1]) == (True, COMPLETED)
    await elsewhere.handle(
        CommandRequest([CommandOn(TASK, EditTask(title="Buy bread", expected_version=4))], ADA, id7(603))
    )
    edit = EditTask(title="Buy tea", expected_version=5)
    assert (await handling.handle(CommandRequest([CommandOn(TASK, edit)], ADA, id7(604)))).results[0].version == 6
    log.past.add([(TASK, TRASHED)])
    with pytest.raises(TaskIsTrashed):
        await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, id7(605)))


async def test_a_lane_that_is_full_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "MAX_QUEUED_REQUESTS", 3)
    log = board()
    calls = await begun(log, await knowing(log), *[CommandOn(TASK, ReopenTask())] * 4)
    log.gate.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Committed] * 3 + [TooBusy]


async def test_who_gives_up_waiting_leaves_the_others_be() -> None:
    log = board()
    handling = await knowing(log)
    waiting = await begun(log, handling, *[CommandOn(TASK, CompleteTask()), CommandOn(TASK, ReopenTask())] * 4)
    for call in waiting[::2]:
        call.cancel()
    log.gate.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])
    assert all(isinstance(answer, Committed) for answer in answers[1::2])
    assert log.past.events(TASK) == [CREATED], "who gave up before the group was formed had no wish"


async def test_who_gives_up_while_the_append_is_in_flight_has_had_their_wish() -> None:
    log = board()
    handling = CommandHandler(log)
    (call,) = await begun(log, handling, CommandOn(TASK, CompleteTask()))
    call.cancel()
    log.gate.set()
    await handling.handle(
        CommandRequest([CommandOn(TASK, EditTask(title="Buy tea", expected_version=2))], ADA, id7(800))
    )
    assert log.past.events(TASK)[1] == COMPLETED


async def test_a_log_that_fails_fails_its_group_and_the_lane_goes_on() -> None:
    class Failing(MemoryLog):
        async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
            if not self.appends:
                self.appends += 1
                raise ConnectionError("away")
            return await super().append(appends)

    log = Failing([*workspace(), *project(), *task()])
    handling = CommandHandler(log)
    with pytest.raises(ConnectionError):
        await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    assert (await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))).has_changes


async def test_a_member_that_the_database_refuses_fails_alone() -> None:
    class Picky(Slow):
        async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
            answers = list(await super().append(appends))
            return [ValueError("bad row"), *answers[1:]] if len(appends) == 2 else answers

    log = Picky([*workspace(), *project(), *task()])
    handling = await knowing(log)
    bad, good = await begun(
        log, handling, CommandOn(id7(950), CreateTask(project_id=PROJECT, title="x")), CommandOn(TASK, CompleteTask())
    )
    log.gate.set()
    with pytest.raises(ValueError, match="bad row"):
        await bad
    assert (await good).has_changes


async def test_a_memory_forgets_what_nobody_asked_for_the_longest() -> None:
    memory = StreamCache(max_streams=2)
    for number in range(3):
        memory.set_unless_older(id7(number), StreamState(version=1))
        memory.get(id7(0))
    assert [bool(memory.get(id7(number))) for number in range(3)] == [True, False, True]


def test_a_memory_never_goes_back() -> None:
    memory = StreamCache()
    memory.set_unless_older(TASK, StreamState(version=5))
    memory.set_unless_older(TASK, StreamState(version=4))
    assert memory.get(TASK) == StreamState(version=5)
    memory.invalidate([TASK])
    assert memory.get(TASK) is None


async def test_what_is_not_known_is_asked_for_and_nothing_is_written() -> None:
    log = MemoryLog([*workspace(), *project(), *task()])
    order = CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND)
    with pytest.raises(NotLoaded) as missing:
        await Lane(log, StreamCache()).submit(order)
    assert missing.value.stream == TASK
    assert log.appends == 0
