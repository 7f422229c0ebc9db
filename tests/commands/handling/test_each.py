"""Commands carried out each on its own: a refused one leaves nothing behind, the others are written together."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from commands.command import OtherStreamEvent
from commands.handling.command_on import CommandOn
from commands.handling.decision import Decision
from commands.handling.each import StoredRefusal
from commands.handling.guarded_states import GuardedStates
from commands.handling.handler import CommandHandler
from commands.handling.idempotency import IdempotencyKey
from commands.handling.request import CommandRequest
from commands.label import LabelTask
from commands.task import CompleteTask, MoveTask
from domain.errors import ColumnIsFull, HasOpenChildren, TaskIsTrashed, UnknownColumn
from domain.event import Event
from tests.commands import bulk_laws
from tests.examples import (
    ADA,
    COMMAND_ID,
    COMPLETED,
    CREATED,
    OTHER_PROJECT,
    OTHER_TASK,
    TASK,
    TRASHED,
    WORKSPACE,
    fixed_uuid7,
    project,
    task,
    workspace,
)
from tests.in_memory_event_log import InMemoryEventLog
from tests.planted_defects import assert_check_fails

THIRD = fixed_uuid7(33)


def three_tasks(*later: Event) -> InMemoryEventLog:
    """The second has these events too."""
    second, third = task(*later, task_id=OTHER_TASK, number=2), task(task_id=THIRD, number=3)
    return InMemoryEventLog([*workspace(), *project(), *task(), *second, *third])


def on_each(command: Any, **options: Any) -> CommandRequest:
    every = [CommandOn(target, command) for target in (TASK, OTHER_TASK, THIRD)]
    return CommandRequest(every, ADA, COMMAND_ID, allows_any_version=True, **options)


async def test_a_refused_command_is_left_out_and_the_others_are_one_append() -> None:
    log = three_tasks(TRASHED)
    outcome = await CommandHandler(log).carry_out_each(on_each(CompleteTask()))
    assert (outcome.changed, outcome.refused) == ((0, 2), {1: StoredRefusal.of(TaskIsTrashed())})
    assert (log.append_count, log.written_count) == (1, 1)
    assert [log.history.version(target) for target in (TASK, OTHER_TASK, THIRD)] == [2, 2, 2]


async def test_a_command_without_events_is_neither_changed_nor_refused() -> None:
    outcome = await CommandHandler(three_tasks(COMPLETED)).carry_out_each(on_each(CompleteTask()))
    assert (outcome.changed, outcome.refused) == ((0, 2), {})


async def test_all_may_be_refused() -> None:
    log = three_tasks()
    outcome = await CommandHandler(log).carry_out_each(on_each(MoveTask(column="nowhere")))
    assert (outcome.changed, [one.code for one in outcome.refused.values()]) == ((), [UnknownColumn.code()] * 3)
    assert log.written_count == 0


async def test_a_task_of_another_workspace_is_refused_however_the_first_one_ends() -> None:
    elsewhere = replace(CREATED, workspace_id=fixed_uuid7(98), project_id=OTHER_PROJECT)
    log = InMemoryEventLog([*workspace(), *project(), *task(), (OTHER_TASK, elsewhere), *task(task_id=THIRD, number=3)])
    for outcome in [await CommandHandler(log).carry_out_each(on_each(CompleteTask())) for _ in range(2)]:
        assert [one.code for one in outcome.refused.values()] == ["not_found"]
    assert elsewhere.workspace_id != WORKSPACE


async def test_a_dry_run_writes_nothing() -> None:
    log = three_tasks(TRASHED)
    outcome = await CommandHandler(log).carry_out_each(on_each(CompleteTask(), is_dry_run=True))
    assert (outcome.changed, [*outcome.refused], log.written_count) == ((0, 2), [1], 0)


async def test_a_request_with_a_key_is_carried_out_once() -> None:
    log, request = three_tasks(TRASHED), on_each(CompleteTask(), idempotency_keys=[IdempotencyKey("mine", b"")])
    first = await CommandHandler(log).carry_out_each(request)
    assert await CommandHandler(log).carry_out_each(request) == first
    assert log.written_count == 1


async def a_refused_command_leaves_nothing_behind(patch: pytest.MonkeyPatch) -> None:
    """One that is refused after its first event, and after an event of another stream."""
    decide = LabelTask.decide

    def refuse_late(command: LabelTask, state: Any, context: Any) -> Iterator[Event | OtherStreamEvent]:
        yield from decide(command, state, context)
        if context.target == OTHER_TASK:
            context(type(state), THIRD)
            yield OtherStreamEvent(THIRD, COMPLETED)
            raise TaskIsTrashed

    patch.setattr(LabelTask, "decide", refuse_late)
    log = three_tasks()
    outcome = await CommandHandler(log).carry_out_each(on_each(LabelTask(label="Shop")))
    assert (outcome.changed, [*outcome.refused]) == ((0, 2), [1])
    assert [log.history.version(target) for target in (TASK, OTHER_TASK, THIRD)] == [2, 1, 2]


async def test_a_refused_command_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    await a_refused_command_leaves_nothing_behind(monkeypatch)


async def test_events_of_a_refused_command_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuardedStates, "restore_states", lambda *_: None)
    with pytest.raises(AssertionError):
        await a_refused_command_leaves_nothing_behind(monkeypatch)


def test_many_at_once_are_as_one_by_one() -> None:
    bulk_laws.many_at_once_are_as_one_by_one()


def test_a_group_that_ends_at_its_first_refusal_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    decide_or_skip = Decision.decide_or_skip

    def give_up(decision: Decision, command_on: CommandOn) -> None:
        if decision.skipped:
            decision.skipped[decision.decided_count] = TaskIsTrashed()
            decision.decided_count += 1
        else:
            decide_or_skip(decision, command_on)

    monkeypatch.setattr(Decision, "decide_or_skip", give_up)
    assert_check_fails(bulk_laws.many_at_once_are_as_one_by_one)


@pytest.mark.parametrize("refusal", [ColumnIsFull(column="doing", limit=2, tasks=2), HasOpenChildren(keys=["HOME-2"])])
def test_a_stored_refusal_is_the_same_again(refusal: Any) -> None:
    refusal.pointer = "#/column"
    again = StoredRefusal.of(refusal).to_refusal()
    assert again is not None
    assert (type(again), str(again), again.params, again.pointer) == (
        type(refusal),
        str(refusal),
        refusal.params,
        refusal.pointer,
    )


def test_a_stored_fault_is_no_refusal() -> None:
    assert StoredRefusal("internal_error").to_refusal() is None
