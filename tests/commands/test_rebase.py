"""Merging a wish with what others did: where it does, where it is a conflict, and what a conflict says then."""

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from commands.command import Command
from commands.handling.append import Append, AppendResult, IdempotencyKey
from commands.handling.conflict import Intervening
from commands.handling.decision import CommandOn
from commands.handling.group import CommandRequest
from commands.handling.handler import MAX_ATTEMPTS, CommandHandler, Committed
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask, RenameTask
from commands.trash import TrashTask
from domain.errors import Contradicts, TooBusy, VersionConflict, VersionRequired
from domain.event import Change, Event, fold
from domain.task import DueDateSet, Task, TaskRenamed
from tests.commands import races
from tests.examples import (
    ADA,
    BOB,
    COMMAND,
    COMPLETED,
    MOVED,
    OTHER_TASK,
    PROJECT,
    RENAMED,
    REOPENED,
    TASK,
    TRASHED,
    id7,
    project,
    task,
    workspace,
)
from tests.given import intervening
from tests.memory_log import MemoryLog

DUE = DueDateSet(Change(None, "2026-12-01"))
TEA = TaskRenamed(Change("Buy milk", "Buy tea"))
seeds = pytest.mark.parametrize("seed", range(5))


def on_the_board(*later: Event) -> MemoryLog:
    other = task(*later, task_id=OTHER_TASK, number=2)
    return MemoryLog([*workspace(), *project(), *task(*later), *other])


async def rebase(log: MemoryLog, *commands: Command[Any], keys: Sequence[IdempotencyKey] = ()) -> Committed:
    wishes = [CommandOn(TASK, command) for command in commands]
    return await CommandHandler(log).handle(CommandRequest(wishes, ADA, COMMAND, keys, can_rebase=True))


@seeds
async def test_everybody_changes_another_field_and_nobody_loses(seed: int) -> None:
    await races.everybody_changes_another_field_and_nobody_loses(seed)


@seeds
async def test_one_of_all_who_rebase_the_same_field_wins(seed: int) -> None:
    await races.one_of_all_who_rebase_the_same_field_wins(seed)


async def test_an_edit_of_another_field_is_written_after_what_others_did() -> None:
    log = on_the_board(RENAMED)
    done = await rebase(log, EditTask(due="2026-12-01", expected_version=1))
    assert (done.results[0].version, done.has_changes) == (3, True)
    assert log.past.events(TASK)[1:] == [RENAMED, DUE]


async def test_an_edit_of_the_same_field_is_the_conflict_that_it_is_without() -> None:
    edit = EditTask(title="Buy tea", due="2026-12-01", expected_version=1)
    told = []
    for wished in (True, False):
        log = on_the_board(RENAMED, COMPLETED)
        with pytest.raises(VersionConflict) as conflict:
            await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, edit)], ADA, COMMAND, can_rebase=wished))
        told.append((str(conflict.value), conflict.value.params))
        assert log.written == 0
    assert told[0] == told[1]


async def test_a_field_that_was_sent_as_it_was_seen_stays_as_others_left_it() -> None:
    log = on_the_board(RENAMED)
    await rebase(log, EditTask(title="Buy milk", due="2026-12-01", expected_version=1))
    assert log.past.events(TASK)[1:] == [RENAMED, DUE]


async def test_a_wish_that_was_fulfilled_when_it_was_made_is_fulfilled() -> None:
    log = on_the_board(MOVED)
    done = await rebase(log, MoveTask(column="todo", expected_version=1))
    assert (done.has_changes, done.results[0].version) == (False, 2)


async def test_events_say_where_they_happen_now() -> None:
    log = on_the_board(MOVED)
    await rebase(log, TrashTask(expected_version=1))
    (trashed,) = log.past.events(TASK)[2:]
    assert getattr(trashed, "column", "") == "doing"


async def test_each_thing_that_happens_while_a_wish_is_merged_is_considered() -> None:
    class Contended(MemoryLog):
        others: ClassVar[list[Event]] = [RENAMED, COMPLETED, REOPENED, DUE]

        async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
            if self.others:
                self.past.add([(TASK, self.others.pop(0))], BOB)
            return await super().append(appends)

    log = Contended([*workspace(), *project(), *task()])
    done = await rebase(log, EditTask(priority="high", expected_version=1))
    assert done.results[0].version == 6
    Contended.others = [RENAMED, COMPLETED, DUE]
    late = Contended([*workspace(), *project(), *task()])
    with pytest.raises(VersionConflict) as conflict:
        await rebase(late, EditTask(due="2026-12-24", expected_version=1))
    assert (conflict.value.params["expected_version"], conflict.value.params["conflicting_fields"]) == (1, ["due"])
    assert intervening(conflict.value) == [RENAMED, COMPLETED, DUE]


async def test_a_log_that_never_holds_still_is_too_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    class Restless(MemoryLog):
        async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
            self.past.add([(TASK, RENAMED)], BOB)
            return await super().append(appends)

    sleep = asyncio.sleep
    monkeypatch.setattr("commands.handling.handler.asyncio.sleep", lambda _: sleep(0))
    log = Restless([*workspace(), *project(), *task()])
    with pytest.raises(TooBusy):
        await rebase(log, EditTask(priority="high", expected_version=1))
    assert log.appends <= MAX_ATTEMPTS + 1


async def test_a_version_that_must_be_named_must_be_named_all_the_same() -> None:
    with pytest.raises(VersionRequired):
        await rebase(on_the_board(RENAMED), EditTask(due="2026-12-01"))


@pytest.mark.parametrize("version", [0, 3, 99])
async def test_a_version_that_never_was_is_a_conflict(version: int) -> None:
    with pytest.raises(VersionConflict):
        await rebase(on_the_board(RENAMED), EditTask(due="2026-12-01", expected_version=version))


async def test_a_rule_that_says_no_by_now_is_a_conflict() -> None:
    with pytest.raises(VersionConflict) as conflict:
        await rebase(on_the_board(TRASHED), EditTask(due="2026-12-01", expected_version=1))
    assert intervening(conflict.value) == [TRASHED]


async def test_all_wishes_of_a_call_are_merged_though_each_names_what_those_before_it_leave() -> None:
    log = on_the_board(COMPLETED)
    edits = [EditTask(due="2026-12-01", expected_version=1), RenameTask(title="Buy tea", expected_version=2)]
    done = await rebase(log, *edits)
    assert [result.version for result in done.results] == [4, 4]
    assert log.past.events(TASK)[1:] == [COMPLETED, DUE, TEA]


async def test_a_wish_after_one_that_names_no_version_is_merged() -> None:
    log = on_the_board(RENAMED)
    await rebase(log, CompleteTask(), EditTask(due="2026-12-01", expected_version=2))
    assert log.past.events(TASK)[1:] == [RENAMED, COMPLETED, DUE]


async def test_the_second_wish_of_a_call_may_be_the_one_that_conflicts() -> None:
    log = on_the_board(RENAMED)
    edits = [EditTask(due="2026-12-01", expected_version=1), RenameTask(title="Buy tea", expected_version=2)]
    with pytest.raises(VersionConflict) as conflict:
        await rebase(log, *edits)
    assert (conflict.value.command_index, conflict.value.params["conflicting_fields"]) == (1, ["title"])
    assert (conflict.value.params["expected_version"], conflict.value.params["current_version"]) == (1, 2)
    assert intervening(conflict.value) == [RENAMED]
    current = conflict.value.params["current"]
    assert (current.title, current.due) == ("Buy bread", None)
    assert log.written == 0


@pytest.mark.parametrize("later", [(), (COMPLETED,)])
@pytest.mark.parametrize("versions", [(1, 1), (1, 3), (1, 0)])
async def test_wishes_of_a_call_that_contradict_each_other_are_told_so(
    later: tuple[Event, ...], versions: tuple[int, int]
) -> None:
    first, second = versions
    edits = [EditTask(due="2026-12-01", expected_version=first), RenameTask(title="Buy tea", expected_version=second)]
    log = on_the_board(*later)
    with pytest.raises(Contradicts):
        await rebase(log, *edits)
    assert log.written == 0


async def test_more_tasks_than_there_are_attempts_are_merged_in_one_call() -> None:
    tasks = [id7(1000 + number) for number in range(3 * MAX_ATTEMPTS)]
    boards = [fact for number, one in enumerate(tasks) for fact in task(RENAMED, task_id=one, number=number + 1)]
    log = MemoryLog([*workspace(), *project(), *boards])
    wishes = [CommandOn(one, EditTask(due="2026-12-01", expected_version=1)) for one in tasks]
    done = await CommandHandler(log).handle(CommandRequest(wishes, ADA, COMMAND, can_rebase=True))
    assert {result.version for result in done.results} == {3}
    assert log.written == 1


async def test_who_is_merged_at_once_is_merged_with_one_another() -> None:
    """Those who were decided before in the same group are others too."""
    log = on_the_board(RENAMED)
    handling = CommandHandler(log)
    await handling.handle(
        CommandRequest([CommandOn(TASK, MoveTask(column="doing", expected_version=2))], ADA, COMMAND, is_dry_run=True)
    )
    since, before = {TASK: Intervening.from_history(Task, log.past.streams[TASK], 1)}, log.appends
    others = [command for command in races.OWN_FIELDS if command != races.OWN_FIELDS[0]]
    orders = [
        CommandRequest([CommandOn(TASK, one)], ADA, COMMAND, can_rebase=True, intervening=since) for one in others
    ]
    done = await asyncio.gather(*(handling.handle(order) for order in orders))
    assert [one.results[0].version for one in done] == [3, 4, 5, 6, 7]
    assert log.appends == before + 1


async def test_who_is_merged_at_once_conflicts_with_one_another_too() -> None:
    log = on_the_board(COMPLETED)
    handling = CommandHandler(log)
    orders = [
        CommandRequest(
            [CommandOn(TASK, RenameTask(title=f"Buy {number}", expected_version=1))], ADA, COMMAND, can_rebase=True
        )
        for number in range(5)
    ]
    answers = await asyncio.gather(*(handling.handle(order) for order in orders), return_exceptions=True)
    assert sum(isinstance(answer, Committed) for answer in answers) == 1
    assert sum(isinstance(answer, VersionConflict) for answer in answers) == 4
    assert log.past.version(TASK) == 3


async def test_a_merged_call_is_replayed_under_its_key() -> None:
    log, keys = on_the_board(RENAMED), [IdempotencyKey("mine", b"")]
    edit = EditTask(due="2026-12-01", expected_version=1)
    first, again = await rebase(log, edit, keys=keys), await rebase(log, edit, keys=keys)
    assert (again.results, again.is_replay, log.past.version(TASK)) == (first.results, True, 3)


async def test_what_is_created_has_nothing_to_be_merged_with() -> None:
    log = MemoryLog([*workspace(), *project()])
    create = CreateTask(project_id=PROJECT, title="Buy milk", expected_version=1)
    with pytest.raises(VersionConflict):
        await rebase(log, create)
    state = fold(Task, log.past.events(TASK))
    assert state is None


async def test_a_merge_can_be_tried_first() -> None:
    log = on_the_board(RENAMED)
    wishes = [CommandOn(TASK, EditTask(due="2026-12-01", expected_version=1))]
    tried = await CommandHandler(log).handle(CommandRequest(wishes, ADA, COMMAND, is_dry_run=True, can_rebase=True))
    assert [(event.type, event.version, event.data) for event in tried.planned_events] == [
        ("DueDateSet", 3, {"due": [None, "2026-12-01"]})
    ]
    assert log.written == 0
