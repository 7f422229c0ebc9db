"""The laws of recurring tasks: each is a check that fails if its law does not hold."""

import asyncio
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from commands.command import Command
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.idempotency import IdempotencyKey
from commands.handling.request import CommandRequest
from commands.recurrence import RecurrenceSpec, SkipOccurrence
from commands.task import CompleteTask, EditTask, MoveTask, ReopenTask
from commands.trash import RestoreTask, TrashTask
from domain.column import DEFAULT_COLUMNS, NEW_BOARD_COLUMNS
from domain.errors import Refusal
from domain.event import Change, Event
from domain.project import ColumnsSet, WipPolicy
from domain.recurrence import Recurrence
from domain.task import DueDateSet, NextTask, RecurrenceSet, TaskCompleted, TaskCreated
from tests.commands.decision_laws import at_current_version
from tests.examples import ADA, COMMAND_ID, OTHER_TASK, PROJECT, TASK, fixed_uuid7, project, task, workspace
from tests.given import EventHistory
from tests.in_memory_event_log import InMemoryEventLog
from tests.law import law

_DONE_BOARD = ColumnsSet(Change(DEFAULT_COLUMNS, NEW_BOARD_COLUMNS), Change[WipPolicy]("warn", "warn"))
_RULES = ["FREQ=WEEKLY;BYDAY=MO", "FREQ=DAILY;COUNT=3", "FREQ=DAILY;UNTIL=20301210"]
_completions = [
    CompleteTask(),
    MoveTask(column="done"),
    EditTask(status="done"),
    EditTask(title="Buy bread", column="done"),
]
_commands: list[Command[Any]] = [
    *_completions,
    ReopenTask(),
    ReopenTask(),
    MoveTask(column="doing"),
    SkipOccurrence(),
    TrashTask(),
    RestoreTask(),
    RestoreTask(column="done"),
    EditTask(recurrence=None),
    EditTask(due="2030-12-04", recurrence=RecurrenceSpec(rule=_RULES[1], counted_from="completion")),
]
_steps = st.builds(CommandOn, st.sampled_from([TASK, TASK, OTHER_TASK]), st.sampled_from(_commands))


def _recurring_history(rule: str = _RULES[0], *, has_done_column: bool = True) -> EventHistory:
    """A workspace with a recurring task, on a board with a done column or without, and another task."""
    board = [(PROJECT, _DONE_BOARD)] if has_done_column else []
    recurring = [DueDateSet(Change(None, "2030-12-02")), RecurrenceSet(Change(None, Recurrence(rule)))]
    other = task(task_id=OTHER_TASK, number=2)
    return EventHistory([*workspace(), *project(), *board, *task(*recurring), *other])


@law(st.booleans(), st.lists(_steps, min_size=3, max_size=12), examples=150)
def a_recurrence_has_one_next(has_done_column: bool, walk: list[CommandOn]) -> None:  # noqa: FBT001 - drawn
    """However a task is completed and reopened, each recurrence that it was given goes to one next task at most."""
    past = _recurring_history(has_done_column=has_done_column)
    for drawn in walk:
        try:
            past.append(past.decide(at_current_version(drawn, past)).new_events)
        except Refusal:
            continue
    for stream in list(past.streams):
        events = past.events(stream)
        handed_on = [event.next for event in events if isinstance(event, TaskCompleted) and event.next]
        assert len(handed_on) <= sum(map(_gives_recurrence, events))
        for following in handed_on:
            created = past.events(following.id)[0]
            assert isinstance(created, TaskCreated)
            assert created.key == following.key


@law(st.sampled_from(_RULES), st.sampled_from(_completions), examples=40)
def one_request_has_one_next(rule: str, completion: Command[Any]) -> None:
    """However often it is sent: as a dry run, in a batch, again with its key, and again without."""
    asyncio.run(_send_again_and_again(_recurring_history(rule), completion))


async def _send_again_and_again(past: EventHistory, completion: Command[Any]) -> None:
    log = InMemoryEventLog(past.facts)
    handler, key = CommandHandler(log), [IdempotencyKey("mine", b"print")]
    rename = CommandOn(OTHER_TASK, EditTask(title="Oat milk", expected_version=1))
    request = CommandRequest([rename, at_current_version(CommandOn(TASK, completion), past)], ADA, COMMAND_ID, key)
    tried = await handler.dry_run(request)
    assert _count_tasks(log.history) == 2
    done = await handler.handle(request)
    again = await handler.handle(replace(request, command_id=fixed_uuid7(77)))
    assert (done.is_replay, again.is_replay) == (False, True)
    later = at_current_version(CommandOn(TASK, completion), log.history)
    last = await handler.handle(CommandRequest([later], ADA, fixed_uuid7(78)))
    assert not last.has_changes
    nexts = {answer.results[-1].next for answer in (tried, done, again, last)}
    assert _count_tasks(log.history) == 3
    assert nexts == {NextTask(log.history.facts[-1][0], "HOME-3")}


def _gives_recurrence(event: Event) -> bool:
    match event:
        case TaskCreated(recurrence=recurrence):
            return recurrence is not None
        case RecurrenceSet(recurrence=change):
            return change.new is not None
    return False


def _count_tasks(past: EventHistory) -> int:
    return sum(isinstance(event, TaskCreated) for _, event in past.facts)
