"""The one path: races are won once, run again or told, and a call happens as a whole or not at all."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from commands.handling.append import Append, AppendResult
from commands.handling.decision import CommandOn
from commands.handling.group import CommandRequest
from commands.handling.handler import MAX_ATTEMPTS, CommandHandler, Committed
from commands.handling.loader import StateKey
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
from tests.commands import races
from tests.examples import (
    ADA,
    BOB,
    COMMAND,
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
from tests.given import intervening
from tests.memory_log import MemoryLog

seeds = pytest.mark.parametrize("seed", range(5))


def on_the_board(*later: Event) -> MemoryLog:
    return MemoryLog([*workspace(), *project(), *task(*later)])


class Contended(MemoryLog):
    """Somebody else is faster, as often as there is something left for them to do."""

    def __init__(self, *others: Event, later: Sequence[Event] = ()) -> None:
        super().__init__([*workspace(), *project(), *task(*later)])
        self._others = list(others)

    async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        if self._others:
            self.past.add([(TASK, self._others.pop(0))], BOB)
        return await super().append(appends)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the handling wanted to wait; it waits none of them."""
    wanted: list[float] = []
    sleep = asyncio.sleep

    async def nap(seconds: float) -> None:
        if seconds:
            wanted.append(seconds)
        await sleep(0)

    monkeypatch.setattr("commands.handling.handler.asyncio.sleep", nap)
    return wanted


@seeds
async def test_everybody_toggles_and_nothing_is_lost(seed: int, naps: list[float]) -> None:
    await races.everybody_toggles_and_nothing_is_lost(seed)


@seeds
async def test_everybody_creates_and_every_task_has_its_own_number(seed: int, naps: list[float]) -> None:
    await races.everybody_creates_and_every_task_has_its_own_number(seed)


@seeds
async def test_one_of_all_who_saw_the_same_version_wins(seed: int, naps: list[float]) -> None:
    await races.one_of_all_who_saw_the_same_version_wins(seed)


@seeds
async def test_one_of_all_who_want_a_key_gets_it(seed: int, naps: list[float]) -> None:
    await races.one_of_all_who_want_a_key_gets_it(seed)


async def test_a_command_says_its_stream_version_state_and_a_position_that_includes_it() -> None:
    log = on_the_board()
    done = await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    assert done == Committed((CommandResult(TASK, 2, CREATED.key),), position=len(log.past.facts), has_changes=True)
    assert log.past.events(TASK) == [CREATED, COMPLETED]


async def test_events_are_written_with_their_actor_and_command() -> None:
    log = on_the_board()
    await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    assert (log.past.streams[TASK][-1].actor, log.past.streams[TASK][-1].command_id) == (ADA, COMMAND)


async def test_a_command_that_changes_nothing_writes_nothing_and_says_the_present() -> None:
    log = on_the_board(COMPLETED)
    done = await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    assert done == Committed((CommandResult(TASK, 2, CREATED.key),), len(log.past.facts), has_changes=False)
    assert log.written == 0


async def test_commands_of_one_call_are_one_append() -> None:
    log = on_the_board()
    create = CommandOn(OTHER_TASK, CreateTask(project_id=PROJECT, title="Buy tea"))
    done = await CommandHandler(log).handle(CommandRequest([create, CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    assert [(result.id, result.version) for result in done.results] == [(OTHER_TASK, 1), (TASK, 2)]
    assert log.appends == 1


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
    await races.a_refused_call_writes_nothing(on_the_board(), [CommandOn(TASK, CompleteTask()), last], refusal)


async def test_a_lost_race_without_a_version_is_run_again(naps: list[float]) -> None:
    log = Contended(RENAMED)
    done = await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    assert log.past.events(TASK) == [CREATED, RENAMED, COMPLETED]
    assert (done.results[0].version, log.changed, len(naps)) == (3, 1, 1)


async def test_a_lost_race_with_a_version_is_told(naps: list[float]) -> None:
    log = Contended(RENAMED)
    edit = EditTask(title="Buy tea", expected_version=1)
    with pytest.raises(VersionConflict) as conflict:
        await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, edit)], ADA, COMMAND))
    assert intervening(conflict.value) == [RENAMED]
    assert log.past.events(TASK) == [CREATED, RENAMED]


async def test_a_lost_race_is_decided_again_and_not_only_written_again(naps: list[float]) -> None:
    finished = Contended(COMPLETED)
    done = await CommandHandler(finished).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    assert (done.has_changes, done.results[0].version) == (False, 2)
    trashed = Contended(TRASHED)
    with pytest.raises(TaskIsTrashed):
        await CommandHandler(trashed).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    assert trashed.past.events(TASK) == [CREATED, TRASHED]


async def test_a_race_over_a_stream_that_was_only_read_is_lost_too(naps: list[float]) -> None:
    """The move asks the project for its columns; another event there makes the answer old."""

    class Rebuilt(MemoryLog):
        async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
            if not self.appends:
                self.past.add([(PROJECT, RENAMED)], BOB)
            return await super().append(appends)

    log = Rebuilt([*workspace(), *project(), *task()])
    move = MoveTask(column="doing", expected_version=1)
    await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, move)], ADA, COMMAND))
    assert (log.appends, log.changed) == (2, 1)
    assert fold(Project, log.past.events(PROJECT))


async def test_a_log_that_never_holds_still_is_too_busy(naps: list[float]) -> None:
    class Restless(MemoryLog):
        async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
            self.past.add([(TASK, RENAMED)], BOB)
            return await super().append(appends)

    log = Restless([*workspace(), *task()])
    with pytest.raises(TooBusy):
        await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    assert log.appends == log.changed == MAX_ATTEMPTS
    assert COMPLETED not in log.past.events(TASK)


async def test_waiting_for_a_quieter_moment_ends_after_seconds(naps: list[float]) -> None:
    log = Contended(*[RENAMED] * (MAX_ATTEMPTS - 1))
    await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    assert len(naps) == MAX_ATTEMPTS - 1
    assert all(0 <= seconds <= 0.002 * 2**attempt for attempt, seconds in enumerate(naps))


async def test_nobody_waits_after_the_last_attempt(naps: list[float]) -> None:
    log = Contended(*[RENAMED] * MAX_ATTEMPTS)
    with pytest.raises(TooBusy):
        await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    assert len(naps) == MAX_ATTEMPTS - 1


async def test_every_stream_is_read_once_where_nobody_races() -> None:
    class CountingLog(MemoryLog):
        async def load_states(self, wanted: Sequence[StateKey]) -> list[StreamState]:
            asked.extend(stream for stream, _ in wanted)
            return await super().load_states(wanted)

    asked: list[UUID] = []
    log = CountingLog([*workspace(), *project(), *task()])
    await CommandHandler(log).handle(
        CommandRequest([CommandOn(TASK, MoveTask(column="doing", expected_version=1))], ADA, COMMAND)
    )
    assert sorted(asked) == sorted({TASK, member_stream_id(WORKSPACE, ADA.id), PROJECT})


async def test_a_call_that_is_cancelled_while_it_reads_writes_nothing() -> None:
    log = on_the_board()
    call = asyncio.create_task(
        CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    )
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert log.past.events(TASK) == [CREATED]


async def test_an_id_that_is_taken_is_told_after_a_second_look(naps: list[float]) -> None:
    """A stream that nobody has heard of is taken for new, and the log knows better."""
    log = on_the_board()
    with pytest.raises(IdTaken):
        await CommandHandler(log).handle(
            CommandRequest([CommandOn(TASK, CreateTask(project_id=PROJECT, title="Buy tea"))], ADA, COMMAND)
        )
    assert (log.appends, log.written) == (2, 0)
