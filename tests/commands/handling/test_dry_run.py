"""A dry run: decided like a command, on the current log, and never written."""

import asyncio

import pytest

from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.idempotency import IdempotencyKey
from commands.handling.request import CommandRequest
from commands.project import CreateProject
from commands.task import CompleteTask, CreateTask, EditTask
from domain.errors import NotFound, VersionConflict, VersionRequired
from domain.event import Event
from domain.task import task_numbers_stream_id
from tests import planted_defects
from tests.examples import (
    ADA,
    BOB,
    COMMAND_ID,
    COMPLETED,
    OTHER_PROJECT,
    OTHER_TASK,
    PROJECT,
    RENAMED,
    TASK,
    WORKSPACE,
    fixed_uuid7,
    project,
    task,
    workspace,
)
from tests.in_memory_event_log import InMemoryEventLog

CREATE = CreateTask(project_id=PROJECT, title="Buy milk")


def board_log(*later: Event) -> InMemoryEventLog:
    return InMemoryEventLog([*workspace(), *project(), *task(*later)])


async def dry_run(handling: CommandHandler, *commands: CommandOn, keys: bool = False) -> list[tuple[str, int]]:
    """The planned events, by name and version."""
    named = [IdempotencyKey("mine", b"")] if keys else []
    done = await handling.dry_run(CommandRequest(commands, ADA, COMMAND_ID, named))
    return [(event.type, event.version) for event in done.planned_events]


async def test_a_batch_is_decided_on_the_results_of_its_earlier_commands() -> None:
    log = board_log()
    both = [
        CommandOn(TASK, CompleteTask()),
        CommandOn(TASK, EditTask(title="Buy tea", due="2026-12-01", expected_version=2)),
    ]
    assert await dry_run(CommandHandler(log), *both) == [("TaskCompleted", 2), ("TaskRenamed", 3), ("DueDateSet", 4)]
    assert (log.append_count, log.written_count) == (1, 0)


async def test_events_of_guard_streams_are_shown_as_they_are_written() -> None:
    log = board_log()
    create = CreateProject(workspace_id=WORKSPACE, name="Garden", key="GAR")
    events = await dry_run(CommandHandler(log), CommandOn(OTHER_PROJECT, create), CommandOn(OTHER_TASK, CREATE))
    assert events == [("ProjectKeyReserved", 1), ("ProjectCreated", 1), ("TaskNumbersTaken", 2), ("TaskCreated", 1)]


async def test_a_no_op_has_no_events() -> None:
    assert await dry_run(CommandHandler(board_log(COMPLETED)), CommandOn(TASK, CompleteTask())) == []


@pytest.mark.parametrize(
    ("command_on", "refusal"),
    [
        (CommandOn(OTHER_TASK, CompleteTask()), NotFound),
        (CommandOn(TASK, EditTask(title="Buy tea")), VersionRequired),
        (CommandOn(TASK, EditTask(title="Buy tea", expected_version=1)), VersionConflict),
    ],
)
async def test_a_dry_run_is_refused_as_the_command_would_be(command_on: CommandOn, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        await dry_run(CommandHandler(board_log(RENAMED)), command_on)


async def test_a_dry_run_is_not_decided_on_a_stale_cache() -> None:
    log = board_log()
    one, other = CommandHandler(log), CommandHandler(log)
    assert await dry_run(other, CommandOn(TASK, CompleteTask())) == [("TaskCompleted", 2)]
    await one.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    assert await dry_run(other, CommandOn(TASK, CompleteTask())) == []


async def test_a_dry_run_leaves_the_stream_cache_unchanged() -> None:
    log = board_log()
    handling = CommandHandler(log)
    await dry_run(handling, CommandOn(TASK, CompleteTask()), CommandOn(OTHER_TASK, CREATE))
    done = await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID))
    assert (done.has_changes, log.append_count, log.conflict_count) == (True, 2, 0)


async def test_a_dry_run_ignores_idempotency_keys() -> None:
    log = board_log()
    handling, keys = CommandHandler(log), [IdempotencyKey("mine", b"")]
    assert await dry_run(handling, CommandOn(TASK, CompleteTask()), keys=True) == [("TaskCompleted", 2)]
    assert log.outcomes_by_key == {}
    await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID, keys))
    assert await dry_run(handling, CommandOn(TASK, EditTask(title="Tea", expected_version=2)), keys=True) == [
        ("TaskRenamed", 3)
    ]


async def test_dry_runs_and_commits_share_a_group() -> None:
    """Each command is decided on what those before it write, and never on the events of a dry run."""
    log = board_log()
    handling = CommandHandler(log)
    first, real, then = await asyncio.gather(
        handling.dry_run(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID)),
        handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID)),
        handling.dry_run(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID)),
    )
    assert (len(first.planned_events), real.has_changes, then.planned_events) == (1, True, ())


async def a_dry_run_allocates_no_numbers() -> None:
    log = InMemoryEventLog([*workspace(), *project()])
    handling = CommandHandler(log)

    def requests(*numbers: int) -> list[CommandRequest]:
        return [
            CommandRequest([CommandOn(fixed_uuid7(1000 + number), CREATE)], ADA, fixed_uuid7(number))
            for number in numbers
        ]

    async def planned_numbers(*numbers: int) -> list[int]:
        answers = await asyncio.gather(*map(handling.dry_run, requests(*numbers)))
        return [
            event.data["number"] for answer in answers for event in answer.planned_events if event.type == "TaskCreated"
        ]

    assert await planned_numbers(1, 2, 3) == [1, 1, 1]
    await asyncio.gather(*map(handling.handle, requests(1, 2, 3)))
    taken = log.history.version(task_numbers_stream_id(PROJECT))
    assert await planned_numbers(4, 5) == [4, 4]
    await asyncio.gather(*map(handling.handle, requests(4, 5)))
    created = [event for _, event in log.history.facts if type(event).__name__ == "TaskCreated"]
    assert [getattr(event, "number", 0) for event in created] == [1, 2, 3, 4, 5]
    assert log.history.version(task_numbers_stream_id(PROJECT)) == taken


async def test_a_dry_run_allocates_no_numbers() -> None:
    await a_dry_run_allocates_no_numbers()


async def test_a_dry_run_that_allocates_numbers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_defects.a_dry_run_that_allocates_numbers(monkeypatch)
    await planted_defects.assert_async_check_fails(a_dry_run_allocates_no_numbers)


async def test_a_dry_run_of_a_non_member_is_not_found() -> None:
    with pytest.raises(NotFound):
        await CommandHandler(board_log()).dry_run(CommandRequest([CommandOn(TASK, CompleteTask())], BOB, COMMAND_ID))


async def test_handle_refuses_a_dry_run() -> None:
    """Its answer would be a Committed, and endpoints would continue."""
    request = CommandRequest([CommandOn(TASK, CompleteTask())], ADA, COMMAND_ID, is_dry_run=True)
    with pytest.raises(ValueError, match="dry_run"):
        await CommandHandler(board_log()).handle(request)
