"""The lane: groups form while an append is in flight, each request gets its own answer, and no error ends the lane."""

import asyncio
from collections.abc import Sequence

import pytest

from commands.handling import lane
from commands.handling.append import Append, AppendResult, OutcomeUnknown
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.lane import Lane
from commands.handling.outcome import Committed
from commands.handling.request import CommandRequest
from commands.handling.stream_cache import NotLoaded, StreamCache, StreamState
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask, ReopenTask
from domain.errors import NotFound, TaskIsTrashed, TooBusy, UnknownColumn, VersionConflict
from domain.event import Change
from domain.task import TaskNumbersTaken, TaskRenamed, task_numbers_stream_id
from tests.examples import (
    ADA,
    BOB,
    COMMAND_ID,
    COMPLETED,
    CREATED,
    PROJECT,
    RENAMED,
    TASK,
    TRASHED,
    fixed_uuid7,
    project,
    task,
    workspace,
)
from tests.in_memory_event_log import InMemoryEventLog

CONCURRENT_COMMANDS = 30


class GatedLog(InMemoryEventLog):
    """Each append waits until it is released; its arguments are recorded."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.groups: list[Sequence[Append]] = []
        self.gate = asyncio.Event()

    async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        self.groups.append(appends)
        await self.gate.wait()
        return await super().append(appends)


def gated_log(*later: object) -> GatedLog:
    return GatedLog([*workspace(), *project(), *task(*later)])  # type: ignore[arg-type]


async def warm_handler(log: GatedLog) -> CommandHandler:
    """A handler with the board in its cache; from now on the log is slow."""
    handling = CommandHandler(log)
    log.gate.set()
    create = CreateTask(project_id=PROJECT, title="Buy tea")
    await handling.handle(CommandRequest([CommandOn(TASK, ReopenTask())], ADA, fixed_uuid7(400)))
    await handling.handle(CommandRequest([CommandOn(fixed_uuid7(900), create)], ADA, fixed_uuid7(401)))
    await handling.dry_run(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, fixed_uuid7(402)))
    log.gate.clear()
    log.groups.clear()
    calls = await start_calls(log, handling, CommandOn(fixed_uuid7(901), create))
    assert not any(call.done() for call in calls)
    return handling


async def start_calls(log: GatedLog, handling: CommandHandler, *commands: CommandOn) -> list[asyncio.Task[Committed]]:
    """Start all calls, and let them proceed as far as they can while the log holds back the first append."""
    calls = [
        asyncio.create_task(handling.handle(CommandRequest([command], ADA, fixed_uuid7(500 + at))))
        for at, command in enumerate(commands)
    ]
    for _ in range(200):
        await asyncio.sleep(0)
    assert log.groups, "nothing is in flight"
    return calls


async def test_an_idle_lane_appends_at_once_and_waiting_requests_form_a_group() -> None:
    log = gated_log()
    commands = [
        CommandOn(fixed_uuid7(1000 + n), CreateTask(project_id=PROJECT, title="Buy milk"))
        for n in range(CONCURRENT_COMMANDS)
    ]
    calls = await start_calls(log, await warm_handler(log), *commands)
    assert [len(group) for group in log.groups] == [1]
    log.gate.set()
    done = await asyncio.gather(*calls)
    assert [len(group) for group in log.groups] == [1, CONCURRENT_COMMANDS]
    taken = [
        event for event in log.history.events(task_numbers_stream_id(PROJECT)) if isinstance(event, TaskNumbersTaken)
    ]
    assert len(taken) < 10, "numbers were taken one by one"
    assert len({one.results[0].id for one in done}) == CONCURRENT_COMMANDS


async def test_requests_on_one_stream_are_decided_in_sequence() -> None:
    log = gated_log()
    handling = await warm_handler(log)
    toggles = [CommandOn(TASK, ReopenTask() if n % 2 else CompleteTask()) for n in range(10)]
    calls = await start_calls(log, handling, *toggles)
    log.gate.set()
    done = await asyncio.gather(*calls)
    assert [one.results[0].version for one in done] == list(range(2, 12))
    assert log.history.version(TASK) == 11
    assert log.conflict_count == 0


async def test_a_chained_no_op_has_a_position_that_includes_its_base() -> None:
    log = gated_log()
    calls = await start_calls(log, await warm_handler(log), *[CommandOn(TASK, CompleteTask())] * 3)
    log.gate.set()
    first, *others = await asyncio.gather(*calls)
    assert first.has_changes
    assert [(one.has_changes, one.position >= first.position) for one in others] == [(False, True)] * 2


async def test_within_a_group_one_edit_of_the_same_version_wins() -> None:
    log = gated_log()
    handling = await warm_handler(log)
    edits = [CommandOn(TASK, EditTask(title=f"Buy {n}", expected_version=1)) for n in range(10)]
    calls = await start_calls(log, handling, *edits)
    log.gate.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Committed] + [VersionConflict] * 9
    for lost in answers[1:]:
        assert isinstance(lost, VersionConflict)
        (event,) = lost.params["intervening_events"]
        assert event.event == TaskRenamed(Change("Buy milk", "Buy 0"))


async def test_a_refused_request_leaves_its_group_intact() -> None:
    log = gated_log()
    handling = await warm_handler(log)
    calls = await start_calls(
        log,
        handling,
        CommandOn(TASK, MoveTask(column="nowhere", expected_version=1)),
        CommandOn(fixed_uuid7(999), CompleteTask()),
        CommandOn(TASK, CompleteTask()),
    )
    log.gate.set()
    nowhere, nothing, done = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(nowhere, UnknownColumn)
    assert isinstance(nothing, NotFound)
    assert isinstance(done, Committed)
    assert log.history.events(TASK) == [CREATED, COMPLETED]


async def test_requests_chained_on_a_failed_one_are_decided_again() -> None:
    """Another process is faster: the first append of a chain fails, and so do all that were decided on it."""

    log = gated_log()
    handling = await warm_handler(log)
    calls = await start_calls(
        log, handling, *(CommandOn(TASK, ReopenTask() if n % 2 else CompleteTask()) for n in range(4))
    )
    log.history.append([(TASK, RENAMED)], BOB)
    log.gate.set()
    done = await asyncio.gather(*calls)
    assert log.conflict_count >= 4
    assert sum(one.has_changes for one in done) == log.history.version(TASK) - 2


async def test_no_reply_is_based_on_a_stale_cache() -> None:
    """The process's cache is behind the log: the no-op, the refusal and the conflict are all decided again."""
    log = InMemoryEventLog([*workspace(), *project(), *task(COMPLETED)])
    handling = CommandHandler(log)
    await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    elsewhere = CommandHandler(log)
    await elsewhere.handle(CommandRequest([CommandOn(TASK, ReopenTask())], ADA, fixed_uuid7(601)))
    again = await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, fixed_uuid7(602)))
    assert (again.has_changes, log.history.events(TASK)[-1]) == (True, COMPLETED)
    await elsewhere.handle(
        CommandRequest([CommandOn(TASK, EditTask(title="Buy bread", expected_version=4))], ADA, fixed_uuid7(603))
    )
    edit = EditTask(title="Buy tea", expected_version=5)
    assert (await handling.handle(CommandRequest([CommandOn(TASK, edit)], ADA, fixed_uuid7(604)))).results[
        0
    ].version == 6
    log.history.append([(TASK, TRASHED)])
    with pytest.raises(TaskIsTrashed):
        await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, fixed_uuid7(605)))


async def test_a_full_lane_refuses_and_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "MAX_QUEUED_REQUESTS", 3)
    log = gated_log()
    calls = await start_calls(log, await warm_handler(log), *[CommandOn(TASK, ReopenTask())] * 4)
    log.gate.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Committed] * 3 + [TooBusy]


async def test_a_lane_with_too_many_bytes_refuses_and_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "MAX_QUEUED_BYTES", 3_000)
    log = gated_log()
    handling = await warm_handler(log)
    edits = [CommandOn(TASK, EditTask(title="x", description="y" * 900, expected_version=1))] * 4
    calls = await start_calls(log, handling, *edits)
    log.gate.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(answer, TooBusy) for answer in answers] == [False] * 3 + [True]
    assert (await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, fixed_uuid7(900)))).has_changes


async def test_cancelling_a_queued_request_leaves_the_others() -> None:
    log = gated_log()
    handling = await warm_handler(log)
    waiting = await start_calls(log, handling, *[CommandOn(TASK, CompleteTask()), CommandOn(TASK, ReopenTask())] * 4)
    for call in waiting[::2]:
        call.cancel()
    log.gate.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])
    assert all(isinstance(answer, Committed) for answer in answers[1::2])
    assert log.history.events(TASK) == [CREATED], "a command cancelled before its group formed was written"


async def test_cancelling_during_the_append_still_commits() -> None:
    log = gated_log()
    handling = CommandHandler(log)
    (call,) = await start_calls(log, handling, CommandOn(TASK, CompleteTask()))
    call.cancel()
    log.gate.set()
    await handling.handle(
        CommandRequest([CommandOn(TASK, EditTask(title="Buy tea", expected_version=2))], ADA, fixed_uuid7(800))
    )
    assert log.history.events(TASK)[1] == COMPLETED


async def test_a_failing_append_fails_its_group_and_the_lane_continues() -> None:
    class Failing(InMemoryEventLog):
        async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
            if not self.append_count:
                self.append_count += 1
                raise ConnectionError("away")
            return await super().append(appends)

    log = Failing([*workspace(), *project(), *task()])
    handling = CommandHandler(log)
    with pytest.raises(ConnectionError):
        await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    assert (await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))).has_changes


async def test_an_append_that_the_database_rejects_fails_alone() -> None:
    class Picky(GatedLog):
        async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
            answers = list(await super().append(appends))
            return [ValueError("bad row"), *answers[1:]] if len(appends) == 2 else answers

    log = Picky([*workspace(), *project(), *task()])
    handling = await warm_handler(log)
    bad, good = await start_calls(
        log,
        handling,
        CommandOn(fixed_uuid7(950), CreateTask(project_id=PROJECT, title="x")),
        CommandOn(TASK, CompleteTask()),
    )
    log.gate.set()
    with pytest.raises(ValueError, match="bad row"):
        await bad
    assert (await good).has_changes


async def test_the_stream_cache_evicts_the_least_recently_used() -> None:
    memory = StreamCache(max_streams=2)
    for number in range(3):
        memory.set_unless_older(fixed_uuid7(number), StreamState(version=1))
        memory.get(fixed_uuid7(0))
    assert [bool(memory.get(fixed_uuid7(number))) for number in range(3)] == [True, False, True]


def test_the_stream_cache_never_takes_an_older_version() -> None:
    memory = StreamCache()
    memory.set_unless_older(TASK, StreamState(version=5))
    memory.set_unless_older(TASK, StreamState(version=4))
    assert memory.get(TASK) == StreamState(version=5)
    memory.invalidate([TASK])
    assert memory.get(TASK) is None


async def test_a_missing_stream_raises_not_loaded_and_writes_nothing() -> None:
    log = InMemoryEventLog([*workspace(), *project(), *task()])
    order = CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID)
    with pytest.raises(NotLoaded) as missing:
        await Lane(log, StreamCache()).submit(order)
    assert missing.value.streams == (TASK,)
    assert log.append_count == 0


async def test_an_append_that_takes_too_long_has_an_unknown_outcome_and_the_lane_continues() -> None:
    log = gated_log()
    handling = await warm_handler(log)
    log.gate.set()
    await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, fixed_uuid7(499)))
    log.gate.clear()
    log.append_timeout_s = 0.05
    (stuck,) = await start_calls(log, handling, CommandOn(TASK, ReopenTask()))
    with pytest.raises(OutcomeUnknown):
        await stuck
    log.append_timeout_s = 60.0
    other = CreateTask(project_id=PROJECT, title="Milk")
    (next_one,) = await start_calls(log, handling, CommandOn(fixed_uuid7(990), other))
    log.gate.set()
    assert (await next_one).has_changes
    for _ in range(100):
        await asyncio.sleep(0)
    assert log.history.version(TASK) == 3, "the append that was left behind was written in the end"
