"""Races on one log in memory: each is a check that fails if an event is lost or written twice."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

from commands.handling.command_on import CommandOn
from commands.handling.handler import MAX_ATTEMPTS, CommandHandler
from commands.handling.outcome import Committed
from commands.handling.request import CommandRequest
from commands.project import CreateProject
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask, ReopenTask
from domain.errors import ProjectKeyTaken, Refusal, VersionConflict
from domain.event import fold
from domain.task import Task, TaskCreated, TaskNumbersTaken, task_numbers_stream_id
from tests.examples import ADA, PROJECT, TASK, WORKSPACE, fixed_uuid7, project, task, workspace
from tests.in_memory_event_log import InMemoryEventLog

CONCURRENT_WRITERS = MAX_ATTEMPTS
"""As many as MAX_ATTEMPTS: a writer loses to each other one at most once, so none gives up."""
PROCESSES = CONCURRENT_WRITERS
HANG_TIMEOUT_S = 5.0
"""After this time a race counts as hung; it takes milliseconds."""


DISJOINT_EDITS = (
    EditTask(title="Buy tea", expected_version=1),
    EditTask(description="Green", expected_version=1),
    EditTask(priority="high", expected_version=1),
    EditTask(due="2026-12-01", expected_version=1),
    MoveTask(column="doing", expected_version=1),
    CompleteTask(expected_version=1),
)
"""Commands that all expect the first version of a task, each for a different field."""


async def race(
    log: InMemoryEventLog, commands: Sequence[CommandOn], *, rebase: bool = False
) -> list[Committed | BaseException]:
    """Handle all commands concurrently, in several processes; returns the outcome of each."""
    processes = [CommandHandler(log) for _ in range(PROCESSES)]
    calls = (
        processes[number % PROCESSES].handle(
            CommandRequest([command], ADA, fixed_uuid7(100 + number), can_rebase=rebase)
        )
        for number, command in enumerate(commands)
    )
    return await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), HANG_TIMEOUT_S)


async def concurrent_toggles_lose_nothing(seed: int) -> None:
    log = InMemoryEventLog([*workspace(), *project(), *task()], seed)
    commands = [CommandOn(TASK, ReopenTask() if number % 2 else CompleteTask()) for number in range(CONCURRENT_WRITERS)]
    answers = await race(log, commands)
    done = [answer for answer in answers if isinstance(answer, Committed)]
    names = [type(event).__name__ for event in log.history.events(TASK)]
    written = sorted(answer.results[0].version for answer in done if answer.has_changes)
    assert len(done) == CONCURRENT_WRITERS, answers
    assert log.conflict_count, "there was no race"
    assert written == list(range(2, len(names) + 1))
    assert all(one != other for one, other in pairwise(names)), names


async def concurrent_creates_get_unique_numbers(seed: int) -> None:
    log = InMemoryEventLog([*workspace(), *project()], seed)
    ids = [fixed_uuid7(1000 + number) for number in range(CONCURRENT_WRITERS)]
    answers = await race(log, [CommandOn(one, CreateTask(project_id=PROJECT, title="Buy milk")) for one in ids])
    assert all(isinstance(answer, Committed) for answer in answers), answers
    assert log.conflict_count, "there was no race"
    taken = [
        event for event in log.history.events(task_numbers_stream_id(PROJECT)) if isinstance(event, TaskNumbersTaken)
    ]
    numbers = [number for event in taken for number in range(event.first, event.last + 1)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len({_task_number(log, one) for one in ids} & set(numbers)) == CONCURRENT_WRITERS


async def one_edit_of_the_same_version_wins(seed: int) -> None:
    log = InMemoryEventLog([*workspace(), *project(), *task()], seed)
    titles = [f"Buy {number} milks" for number in range(CONCURRENT_WRITERS)]
    answers = await race(log, [CommandOn(TASK, EditTask(title=title, expected_version=1)) for title in titles])
    assert log.conflict_count, "there was no race"
    assert [type(event).__name__ for event in log.history.events(TASK)] == ["TaskCreated", "TaskRenamed"]
    assert sum(isinstance(answer, Committed) for answer in answers) == 1, answers
    for lost in answers:
        if not isinstance(lost, Committed):
            assert isinstance(lost, VersionConflict), lost
            assert lost.params["conflicting_fields"] == ["title"]
            assert (lost.params["expected_version"], lost.params["current_version"]) == (1, 2)


async def concurrent_edits_of_different_fields_merge(seed: int) -> None:
    log = InMemoryEventLog([*workspace(), *project(), *task()], seed)
    answers = await race(log, [CommandOn(TASK, command) for command in DISJOINT_EDITS], rebase=True)
    assert log.conflict_count, "there was no race"
    assert all(isinstance(answer, Committed) for answer in answers), answers
    state = fold(Task, log.history.events(TASK))
    assert state is not None
    assert (state.title, state.description, state.priority, state.due) == ("Buy tea", "Green", "high", "2026-12-01")
    assert (state.column, state.status, log.history.version(TASK)) == ("doing", "done", 7)


async def one_rebase_of_the_same_field_wins(seed: int) -> None:
    log = InMemoryEventLog([*workspace(), *project(), *task()], seed)
    titles = [f"Buy {number} milks" for number in range(CONCURRENT_WRITERS)]
    commands = [CommandOn(TASK, EditTask(title=title, expected_version=1)) for title in titles]
    answers = await race(log, commands, rebase=True)
    assert sum(isinstance(answer, Committed) for answer in answers) == 1, answers
    assert sum(isinstance(answer, VersionConflict) for answer in answers) == CONCURRENT_WRITERS - 1, answers
    assert log.history.version(TASK) == 2


async def one_project_gets_the_key(seed: int) -> None:
    log = InMemoryEventLog(workspace(), seed)
    create = CreateProject(workspace_id=WORKSPACE, name="Household", key="HOME")
    answers = await race(log, [CommandOn(fixed_uuid7(1000 + number), create) for number in range(CONCURRENT_WRITERS)])
    assert log.conflict_count, "there was no race"
    assert sum(isinstance(answer, Committed) for answer in answers) == 1, answers
    assert all(isinstance(answer, Committed | ProjectKeyTaken) for answer in answers), answers


async def a_refused_call_writes_nothing(
    log: InMemoryEventLog, commands: Sequence[CommandOn], refusal: type[Refusal]
) -> None:
    before = list(log.history.facts)
    try:
        done = await CommandHandler(log).handle(CommandRequest(commands, ADA, fixed_uuid7(100)))
    except refusal:
        assert log.history.facts == before
    else:
        raise AssertionError(f"not refused: {done}")


def _task_number(log: InMemoryEventLog, created: UUID) -> int:
    (event,) = log.history.events(created)
    assert isinstance(event, TaskCreated)
    return event.number
