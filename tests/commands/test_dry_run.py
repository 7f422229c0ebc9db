"""A dry run: decided where everybody is, on what stands in the log, and written nowhere."""

import asyncio

import pytest

from commands.handling.append import IdempotencyKey
from commands.handling.decision import CommandOn
from commands.handling.group import CommandRequest
from commands.handling.handler import CommandHandler
from commands.project import CreateProject
from commands.task import CompleteTask, CreateTask, EditTask
from domain.errors import NotFound, VersionConflict, VersionRequired
from domain.event import Event
from domain.task import task_numbers_stream_id
from tests import defects
from tests.examples import (
    ADA,
    BOB,
    COMMAND,
    COMPLETED,
    OTHER_PROJECT,
    OTHER_TASK,
    PROJECT,
    RENAMED,
    TASK,
    WORKSPACE,
    id7,
    project,
    task,
    workspace,
)
from tests.memory_log import MemoryLog

CREATE = CreateTask(project_id=PROJECT, title="Buy milk")


def on_the_board(*later: Event) -> MemoryLog:
    return MemoryLog([*workspace(), *project(), *task(*later)])


async def tried(handling: CommandHandler, *wishes: CommandOn, keys: bool = False) -> list[tuple[str, int]]:
    """The events, by name and version."""
    named = [IdempotencyKey("mine", b"")] if keys else []
    done = await handling.handle(CommandRequest(wishes, ADA, COMMAND, named, is_dry_run=True))
    return [(event.type, event.version) for event in done.planned_events]


async def test_wishes_of_one_call_are_decided_on_what_those_before_them_leave() -> None:
    log = on_the_board()
    both = [
        CommandOn(TASK, CompleteTask()),
        CommandOn(TASK, EditTask(title="Buy tea", due="2026-12-01", expected_version=2)),
    ]
    assert await tried(CommandHandler(log), *both) == [("TaskCompleted", 2), ("TaskRenamed", 3), ("DueDateSet", 4)]
    assert (log.appends, log.written) == (1, 0)


async def test_events_of_guard_streams_are_shown_as_they_are_written() -> None:
    log = on_the_board()
    create = CreateProject(workspace_id=WORKSPACE, name="Garden", key="GAR")
    events = await tried(CommandHandler(log), CommandOn(OTHER_PROJECT, create), CommandOn(OTHER_TASK, CREATE))
    assert events == [("ProjectKeyReserved", 1), ("ProjectCreated", 1), ("TaskNumbersTaken", 2), ("TaskCreated", 1)]


async def test_what_changes_nothing_has_no_events() -> None:
    assert await tried(CommandHandler(on_the_board(COMPLETED)), CommandOn(TASK, CompleteTask())) == []


@pytest.mark.parametrize(
    ("wish", "refusal"),
    [
        (CommandOn(OTHER_TASK, CompleteTask()), NotFound),
        (CommandOn(TASK, EditTask(title="Buy tea")), VersionRequired),
        (CommandOn(TASK, EditTask(title="Buy tea", expected_version=1)), VersionConflict),
    ],
)
async def test_a_rule_says_no_as_it_would(wish: CommandOn, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        await tried(CommandHandler(on_the_board(RENAMED)), wish)


async def test_a_process_that_remembers_an_older_state_does_not_answer_from_memory() -> None:
    log = on_the_board()
    one, other = CommandHandler(log), CommandHandler(log)
    assert await tried(other, CommandOn(TASK, CompleteTask())) == [("TaskCompleted", 2)]
    await one.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    assert await tried(other, CommandOn(TASK, CompleteTask())) == []


async def test_what_was_tried_is_not_remembered() -> None:
    log = on_the_board()
    handling = CommandHandler(log)
    await tried(handling, CommandOn(TASK, CompleteTask()), CommandOn(OTHER_TASK, CREATE))
    done = await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND))
    assert (done.has_changes, log.appends, log.changed) == (True, 2, 0)


async def test_a_key_is_neither_used_nor_heeded() -> None:
    log = on_the_board()
    handling, keys = CommandHandler(log), [IdempotencyKey("mine", b"")]
    assert await tried(handling, CommandOn(TASK, CompleteTask()), keys=True) == [("TaskCompleted", 2)]
    assert log.keys == {}
    await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND, keys))
    assert await tried(handling, CommandOn(TASK, EditTask(title="Tea", expected_version=2)), keys=True) == [
        ("TaskRenamed", 3)
    ]


async def test_those_who_are_tried_and_those_who_do_ride_together() -> None:
    """Each is decided on what those before it write, and nobody on what was only tried."""
    log = on_the_board()
    handling = CommandHandler(log)
    first, real, then = await asyncio.gather(
        handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND, is_dry_run=True)),
        handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND)),
        handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND, is_dry_run=True)),
    )
    assert (len(first.planned_events), real.has_changes, then.planned_events) == (1, True, ())


async def numbers_are_left_for_those_who_create() -> None:
    log = MemoryLog([*workspace(), *project()])
    handling = CommandHandler(log)

    async def create(*numbers: int, dry: bool) -> list[int]:
        calls = (
            handling.handle(CommandRequest([CommandOn(id7(1000 + number), CREATE)], ADA, id7(number), is_dry_run=dry))
            for number in numbers
        )
        answers = await asyncio.gather(*calls)
        return [
            event.data["number"] for answer in answers for event in answer.planned_events if event.type == "TaskCreated"
        ]

    assert await create(1, 2, 3, dry=True) == [1, 1, 1]
    await create(1, 2, 3, dry=False)
    taken = log.past.version(task_numbers_stream_id(PROJECT))
    assert await create(4, 5, dry=True) == [4, 4]
    await create(4, 5, dry=False)
    created = [event for _, event in log.past.facts if type(event).__name__ == "TaskCreated"]
    assert [getattr(event, "number", 0) for event in created] == [1, 2, 3, 4, 5]
    assert log.past.version(task_numbers_stream_id(PROJECT)) == taken


async def test_numbers_are_left_for_those_who_create() -> None:
    await numbers_are_left_for_those_who_create()


async def test_a_dry_run_that_takes_numbers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    defects.a_dry_run_that_takes_numbers(monkeypatch)
    await defects.noticed_in_time(numbers_are_left_for_those_who_create)


async def test_a_stranger_learns_nothing() -> None:
    with pytest.raises(NotFound):
        await CommandHandler(on_the_board()).handle(
            CommandRequest([CommandOn(TASK, CompleteTask())], BOB, COMMAND, is_dry_run=True)
        )
