"""Rebasing a command on concurrent changes: when it merges, when it conflicts, and what the conflict says."""

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import pytest

from commands.command import Command
from commands.handling.append import Append, AppendResult
from commands.handling.command_on import CommandOn
from commands.handling.conflict import Intervening
from commands.handling.handler import MAX_ATTEMPTS, CommandHandler
from commands.handling.idempotency import IdempotencyKey
from commands.handling.outcome import Committed
from commands.handling.request import CommandRequest
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask, RenameTask
from commands.trash import TrashTask
from domain.errors import Contradicts, TooBusy, VersionConflict, VersionRequired
from domain.event import Change, Event, fold
from domain.rank import ordinal_rank
from domain.task import DueDateSet, Task, TaskRenamed
from tests.commands.handling import races
from tests.examples import (
    ADA,
    BOB,
    COMMAND_ID,
    COMPLETED,
    MOVED,
    OTHER_TASK,
    PROJECT,
    RENAMED,
    REOPENED,
    TASK,
    TRASHED,
    fixed_uuid7,
    project,
    task,
    workspace,
)
from tests.given import intervening_events
from tests.in_memory_event_log import InMemoryEventLog

DUE = DueDateSet(Change(None, "2026-12-01"))
TEA = TaskRenamed(Change("Buy milk", "Buy tea"))
seeds = pytest.mark.parametrize("seed", range(5))


def board_log(*later: Event) -> InMemoryEventLog:
    other = task(*later, task_id=OTHER_TASK, number=2)
    return InMemoryEventLog([*workspace(), *project(), *task(*later), *other])


async def rebase(log: InMemoryEventLog, *commands: Command[Any], keys: Sequence[IdempotencyKey] = ()) -> Committed:
    targeted = [CommandOn(TASK, command) for command in commands]
    return await CommandHandler(log).handle(CommandRequest(targeted, ADA, COMMAND_ID, keys, can_rebase=True))


@seeds
async def test_concurrent_edits_of_different_fields_merge(seed: int) -> None:
    await races.concurrent_edits_of_different_fields_merge(seed)


@seeds
async def test_one_rebase_of_the_same_field_wins(seed: int) -> None:
    await races.one_rebase_of_the_same_field_wins(seed)


async def test_an_edit_of_another_field_is_rebased() -> None:
    log = board_log(RENAMED)
    done = await rebase(log, EditTask(due="2026-12-01", expected_version=1))
    assert (done.results[0].version, done.has_changes) == (3, True)
    assert log.history.events(TASK)[1:] == [RENAMED, DUE]


async def test_an_edit_of_the_same_field_is_a_conflict() -> None:
    edit = EditTask(title="Buy tea", due="2026-12-01", expected_version=1)
    conflicts = []
    for can_rebase in (True, False):
        log = board_log(RENAMED, COMPLETED)
        with pytest.raises(VersionConflict) as conflict:
            await CommandHandler(log).handle(
                CommandRequest([CommandOn(TASK, edit)], ADA, COMMAND_ID, can_rebase=can_rebase)
            )
        conflicts.append((str(conflict.value), conflict.value.params))
        assert log.written_count == 0
    assert conflicts[0] == conflicts[1]


async def test_a_field_sent_unchanged_does_not_overwrite_others() -> None:
    log = board_log(RENAMED)
    await rebase(log, EditTask(title="Buy milk", due="2026-12-01", expected_version=1))
    assert log.history.events(TASK)[1:] == [RENAMED, DUE]


async def test_a_command_that_was_a_no_op_at_its_version_stays_one() -> None:
    log = board_log(msgspec.structs.replace(MOVED, rank=Change(ordinal_rank(1), ordinal_rank(9))))
    done = await rebase(log, MoveTask(column="todo", expected_version=1))
    assert (done.has_changes, done.results[0].version) == (False, 2)


async def test_rebased_events_carry_the_current_context() -> None:
    log = board_log(MOVED)
    await rebase(log, TrashTask(expected_version=1))
    (trashed,) = log.history.events(TASK)[2:]
    assert getattr(trashed, "column", "") == "doing"


async def test_events_arriving_during_the_rebase_are_considered() -> None:
    class Contended(InMemoryEventLog):
        others: ClassVar[list[Event]] = [RENAMED, COMPLETED, REOPENED, DUE]

        async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
            if self.others:
                self.history.append([(TASK, self.others.pop(0))], BOB)
            return await super().append(appends)

    log = Contended([*workspace(), *project(), *task()])
    done = await rebase(log, EditTask(priority="high", expected_version=1))
    assert done.results[0].version == 6
    Contended.others = [RENAMED, COMPLETED, DUE]
    late = Contended([*workspace(), *project(), *task()])
    with pytest.raises(VersionConflict) as conflict:
        await rebase(late, EditTask(due="2026-12-24", expected_version=1))
    assert (conflict.value.params["expected_version"], conflict.value.params["conflicting_fields"]) == (1, ["due"])
    assert intervening_events(conflict.value) == [RENAMED, COMPLETED, DUE]


async def test_endless_conflicts_end_in_too_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    class Restless(InMemoryEventLog):
        async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
            self.history.append([(TASK, RENAMED)], BOB)
            return await super().append(appends)

    sleep = asyncio.sleep
    monkeypatch.setattr("commands.handling.handler.asyncio.sleep", lambda _: sleep(0))
    log = Restless([*workspace(), *project(), *task()])
    with pytest.raises(TooBusy):
        await rebase(log, EditTask(priority="high", expected_version=1))
    assert log.append_count <= MAX_ATTEMPTS + 1


async def test_a_rebase_still_needs_an_expected_version() -> None:
    with pytest.raises(VersionRequired):
        await rebase(board_log(RENAMED), EditTask(due="2026-12-01"))


@pytest.mark.parametrize("version", [0, 3, 99])
async def test_a_version_that_never_was_is_a_conflict(version: int) -> None:
    with pytest.raises(VersionConflict):
        await rebase(board_log(RENAMED), EditTask(due="2026-12-01", expected_version=version))


async def test_a_rebase_that_a_rule_now_refuses_is_a_conflict() -> None:
    with pytest.raises(VersionConflict) as conflict:
        await rebase(board_log(TRASHED), EditTask(due="2026-12-01", expected_version=1))
    assert intervening_events(conflict.value) == [TRASHED]


async def test_a_batch_is_rebased_though_each_command_expects_the_one_before() -> None:
    log = board_log(COMPLETED)
    edits = [EditTask(due="2026-12-01", expected_version=1), RenameTask(title="Buy tea", expected_version=2)]
    done = await rebase(log, *edits)
    assert [result.version for result in done.results] == [4, 4]
    assert log.history.events(TASK)[1:] == [COMPLETED, DUE, TEA]


async def test_a_command_after_one_without_a_version_is_rebased() -> None:
    log = board_log(RENAMED)
    await rebase(log, CompleteTask(), EditTask(due="2026-12-01", expected_version=2))
    assert log.history.events(TASK)[1:] == [RENAMED, COMPLETED, DUE]


async def test_the_second_command_of_a_batch_may_conflict() -> None:
    log = board_log(RENAMED)
    edits = [EditTask(due="2026-12-01", expected_version=1), RenameTask(title="Buy tea", expected_version=2)]
    with pytest.raises(VersionConflict) as conflict:
        await rebase(log, *edits)
    assert (conflict.value.command_index, conflict.value.params["conflicting_fields"]) == (1, ["title"])
    assert (conflict.value.params["expected_version"], conflict.value.params["current_version"]) == (1, 2)
    assert intervening_events(conflict.value) == [RENAMED]
    current = conflict.value.params["current"]
    assert (current.title, current.due) == ("Buy bread", None)
    assert log.written_count == 0


@pytest.mark.parametrize("later", [(), (COMPLETED,)])
@pytest.mark.parametrize("versions", [(1, 1), (1, 3), (1, 0)])
async def test_contradicting_commands_of_a_batch_are_refused(
    later: tuple[Event, ...], versions: tuple[int, int]
) -> None:
    first, second = versions
    edits = [EditTask(due="2026-12-01", expected_version=first), RenameTask(title="Buy tea", expected_version=second)]
    log = board_log(*later)
    with pytest.raises(Contradicts):
        await rebase(log, *edits)
    assert log.written_count == 0


async def test_more_tasks_than_there_are_attempts_are_merged_in_one_call() -> None:
    tasks = [fixed_uuid7(1000 + number) for number in range(3 * MAX_ATTEMPTS)]
    boards = [fact for number, one in enumerate(tasks) for fact in task(RENAMED, task_id=one, number=number + 1)]
    log = InMemoryEventLog([*workspace(), *project(), *boards])
    commands = [CommandOn(one, EditTask(due="2026-12-01", expected_version=1)) for one in tasks]
    done = await CommandHandler(log).handle(CommandRequest(commands, ADA, COMMAND_ID, can_rebase=True))
    assert {result.version for result in done.results} == {3}
    assert log.written_count == 1


async def test_concurrent_rebases_merge_with_each_other() -> None:
    """Commands decided earlier in the same group count as concurrent changes too."""
    log = board_log(RENAMED)
    handling = CommandHandler(log)
    await handling.dry_run(
        CommandRequest([CommandOn(TASK, MoveTask(column="doing", expected_version=2))], ADA, COMMAND_ID)
    )
    await handling.dry_run(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    since, before = {TASK: Intervening.from_history(Task, log.history.streams[TASK], 1)}, log.append_count
    others = [command for command in races.DISJOINT_EDITS if command != races.DISJOINT_EDITS[0]]
    orders = [
        CommandRequest([CommandOn(TASK, one)], ADA, COMMAND_ID, can_rebase=True, intervening=since) for one in others
    ]
    done = await asyncio.gather(*(handling.handle(order) for order in orders))
    assert [one.results[0].version for one in done] == [3, 4, 5, 6, 7]
    assert log.append_count == before + 1


async def test_concurrent_rebases_conflict_with_each_other() -> None:
    log = board_log(COMPLETED)
    handling = CommandHandler(log)
    orders = [
        CommandRequest(
            [CommandOn(TASK, RenameTask(title=f"Buy {number}", expected_version=1))], ADA, COMMAND_ID, can_rebase=True
        )
        for number in range(5)
    ]
    answers = await asyncio.gather(*(handling.handle(order) for order in orders), return_exceptions=True)
    assert sum(isinstance(answer, Committed) for answer in answers) == 1
    assert sum(isinstance(answer, VersionConflict) for answer in answers) == 4
    assert log.history.version(TASK) == 3


async def test_a_merged_call_is_replayed_under_its_key() -> None:
    log, keys = board_log(RENAMED), [IdempotencyKey("mine", b"")]
    edit = EditTask(due="2026-12-01", expected_version=1)
    first, again = await rebase(log, edit, keys=keys), await rebase(log, edit, keys=keys)
    assert (again.results, again.is_replay, log.history.version(TASK)) == (first.results, True, 3)


async def test_a_create_cannot_be_rebased() -> None:
    log = InMemoryEventLog([*workspace(), *project()])
    create = CreateTask(project_id=PROJECT, title="Buy milk", expected_version=1)
    with pytest.raises(VersionConflict):
        await rebase(log, create)
    state = fold(Task, log.history.events(TASK))
    assert state is None


async def test_a_rebase_can_be_a_dry_run() -> None:
    log = board_log(RENAMED)
    commands = [CommandOn(TASK, EditTask(due="2026-12-01", expected_version=1))]
    tried = await CommandHandler(log).dry_run(CommandRequest(commands, ADA, COMMAND_ID, can_rebase=True))
    assert [(event.type, event.version, event.data) for event in tried.planned_events] == [
        ("DueDateSet", 3, {"due": [None, "2026-12-01"]})
    ]
    assert log.written_count == 0
