"""The command handler: a lost race is retried or reported, and a call is atomic."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from commands.handling.append import Append, AppendResult
from commands.handling.command_on import CommandOn
from commands.handling.handler import MAX_ATTEMPTS, CommandHandler
from commands.handling.loader import StateKey
from commands.handling.outcome import Committed
from commands.handling.request import CommandRequest
from commands.handling.results import CommandResult
from commands.handling.stream_cache import StreamState
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask
from domain.errors import (
    Contradicts,
    IdTaken,
    NotFound,
    TaskIsTrashed,
    TooBusy,
    UnknownColumn,
    VersionConflict,
    VersionRequired,
)
from domain.event import Event, fold
from domain.member import member_stream_id
from domain.project import Project
from tests.commands.handling import races
from tests.examples import (
    ADA,
    BOB,
    COMMAND_ID,
    COMPLETED,
    CREATED,
    OTHER_TASK,
    PROJECT,
    RENAMED,
    TASK,
    TRASHED,
    WORKSPACE,
    project,
    task,
    workspace,
)
from tests.given import intervening_events
from tests.in_memory_event_log import InMemoryEventLog

seeds = pytest.mark.parametrize("seed", range(5))


def board_log(*later: Event) -> InMemoryEventLog:
    return InMemoryEventLog([*workspace(), *project(), *task(*later)])


class ContendedLog(InMemoryEventLog):
    """Another writer appends first, once for each of its events."""

    def __init__(self, *others: Event, later: Sequence[Event] = ()) -> None:
        super().__init__([*workspace(), *project(), *task(*later)])
        self._others = list(others)

    async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        if self._others:
            self.history.append([(TASK, self._others.pop(0))], BOB)
        return await super().append(appends)


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The delays that the handler asked for; it does not wait."""
    delays: list[float] = []
    sleep = asyncio.sleep

    async def skip_delay(seconds: float) -> None:
        if seconds:
            delays.append(seconds)
        await sleep(0)

    monkeypatch.setattr("commands.handling.handler.asyncio.sleep", skip_delay)
    return delays


@seeds
async def test_concurrent_toggles_lose_nothing(seed: int, sleeps: list[float]) -> None:
    await races.concurrent_toggles_lose_nothing(seed)


@seeds
async def test_concurrent_creates_get_unique_numbers(seed: int, sleeps: list[float]) -> None:
    await races.concurrent_creates_get_unique_numbers(seed)


@seeds
async def test_one_edit_of_the_same_version_wins(seed: int, sleeps: list[float]) -> None:
    await races.one_edit_of_the_same_version_wins(seed)


@seeds
async def test_one_project_gets_the_key(seed: int, sleeps: list[float]) -> None:
    await races.one_project_gets_the_key(seed)


async def test_a_result_has_the_stream_version_state_and_position() -> None:
    log = board_log()
    done = await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    assert done == Committed((CommandResult(TASK, 2, CREATED.key),), position=len(log.history.facts), has_changes=True)
    assert log.history.events(TASK) == [CREATED, COMPLETED]


async def test_events_are_written_with_their_actor_and_command() -> None:
    log = board_log()
    await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    assert (log.history.streams[TASK][-1].actor, log.history.streams[TASK][-1].command_id) == (ADA, COMMAND_ID)


async def test_a_no_op_writes_nothing_and_returns_the_current_version() -> None:
    log = board_log(COMPLETED)
    done = await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    assert done == Committed((CommandResult(TASK, 2, CREATED.key),), len(log.history.facts), has_changes=False)
    assert log.written_count == 0


async def test_commands_of_one_call_are_one_append() -> None:
    log = board_log()
    create = CommandOn(OTHER_TASK, CreateTask(project_id=PROJECT, title="Buy tea"))
    done = await CommandHandler(log).handle(CommandRequest([create, CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    assert [(result.id, result.version) for result in done.results] == [(OTHER_TASK, 1), (TASK, 2)]
    assert log.append_count == 1


@pytest.mark.parametrize(
    ("last", "refusal"),
    [
        (CommandOn(TASK, MoveTask(column="nowhere", expected_version=2)), UnknownColumn),
        (CommandOn(TASK, MoveTask(column="doing", expected_version=1)), Contradicts),
        (CommandOn(TASK, MoveTask(column="doing")), VersionRequired),
        (CommandOn(OTHER_TASK, CompleteTask()), NotFound),
    ],
)
async def test_a_call_with_one_refused_command_writes_nothing(last: CommandOn, refusal: type[VersionConflict]) -> None:
    await races.a_refused_call_writes_nothing(board_log(), [CommandOn(TASK, CompleteTask()), last], refusal)


async def test_a_lost_race_without_an_expected_version_is_retried(sleeps: list[float]) -> None:
    log = ContendedLog(RENAMED)
    done = await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    assert log.history.events(TASK) == [CREATED, RENAMED, COMPLETED]
    assert (done.results[0].version, log.conflict_count, len(sleeps)) == (3, 1, 1)


async def test_a_lost_race_with_an_expected_version_is_a_conflict(sleeps: list[float]) -> None:
    log = ContendedLog(RENAMED)
    edit = EditTask(title="Buy tea", expected_version=1)
    with pytest.raises(VersionConflict) as conflict:
        await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, edit)], ADA, COMMAND_ID))
    assert intervening_events(conflict.value) == [RENAMED]
    assert log.history.events(TASK) == [CREATED, RENAMED]


async def test_a_retry_decides_again(sleeps: list[float]) -> None:
    finished = ContendedLog(COMPLETED)
    done = await CommandHandler(finished).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    assert (done.has_changes, done.results[0].version) == (False, 2)
    trashed = ContendedLog(TRASHED)
    with pytest.raises(TaskIsTrashed):
        await CommandHandler(trashed).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    assert trashed.history.events(TASK) == [CREATED, TRASHED]


async def test_a_change_of_a_stream_that_was_only_read_loses_the_race(sleeps: list[float]) -> None:
    """The move reads the columns of the project; another event there makes that read stale."""

    class Rebuilt(InMemoryEventLog):
        async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
            if not self.append_count:
                self.history.append([(PROJECT, RENAMED)], BOB)
            return await super().append(appends)

    log = Rebuilt([*workspace(), *project(), *task()])
    move = MoveTask(column="doing", expected_version=1)
    await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, move)], ADA, COMMAND_ID))
    assert (log.append_count, log.conflict_count) == (2, 1)
    assert fold(Project, log.history.events(PROJECT))


async def test_endless_conflicts_end_in_too_busy(sleeps: list[float]) -> None:
    class Restless(InMemoryEventLog):
        async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
            self.history.append([(TASK, RENAMED)], BOB)
            return await super().append(appends)

    log = Restless([*workspace(), *task()])
    with pytest.raises(TooBusy):
        await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    assert log.append_count == log.conflict_count == MAX_ATTEMPTS
    assert COMPLETED not in log.history.events(TASK)


async def test_backing_off_ends_after_seconds(sleeps: list[float]) -> None:
    log = ContendedLog(*[RENAMED] * (MAX_ATTEMPTS - 1))
    await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    assert len(sleeps) == MAX_ATTEMPTS - 1
    assert all(0 <= seconds <= 0.002 * 2**attempt for attempt, seconds in enumerate(sleeps))


async def test_the_last_attempt_is_not_followed_by_a_wait(sleeps: list[float]) -> None:
    log = ContendedLog(*[RENAMED] * MAX_ATTEMPTS)
    with pytest.raises(TooBusy):
        await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    assert len(sleeps) == MAX_ATTEMPTS - 1


async def test_without_a_race_every_stream_is_read_once() -> None:
    class CountingLog(InMemoryEventLog):
        async def load_states(self, wanted: Sequence[StateKey]) -> list[StreamState]:
            asked.extend(stream for stream, _ in wanted)
            return await super().load_states(wanted)

    asked: list[UUID] = []
    log = CountingLog([*workspace(), *project(), *task()])
    await CommandHandler(log).handle(
        CommandRequest([CommandOn(TASK, MoveTask(column="doing", expected_version=1))], ADA, COMMAND_ID)
    )
    assert sorted(asked) == sorted({TASK, member_stream_id(WORKSPACE, ADA.id), WORKSPACE, PROJECT})


async def test_a_call_that_is_cancelled_while_it_reads_writes_nothing() -> None:
    log = board_log()
    call = asyncio.create_task(
        CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    )
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert log.history.events(TASK) == [CREATED]


async def test_a_taken_id_is_refused_after_reloading_the_stream(sleeps: list[float]) -> None:
    """An unknown stream is assumed to be new, and the log corrects the assumption."""
    log = board_log()
    with pytest.raises(IdTaken):
        await CommandHandler(log).handle(
            CommandRequest([CommandOn(TASK, CreateTask(project_id=PROJECT, title="Buy tea"))], ADA, COMMAND_ID)
        )
    assert (log.append_count, log.written_count) == (2, 0)
