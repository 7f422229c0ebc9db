"""Rebases and dry runs on PostgreSQL: edits of different fields all succeed, whatever each process has cached."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from commands.command import Command
from commands.handling.command_on import CommandOn
from commands.handling.outcome import Committed
from commands.handling.request import CommandRequest
from commands.task import CompleteTask, CreateTask, EditTask, RenameTask
from domain.errors import VersionConflict
from domain.event import fold
from domain.task import Task
from infra.ids import new_id
from infra.settings import Settings
from tests import planted_defects
from tests.commands.handling.races import DISJOINT_EDITS
from tests.examples import ADA
from tests.planted_defects import assert_async_check_fails
from tests.store.two_processes import PROJECTS, TwoProcesses, two_processes

pytestmark = pytest.mark.slow


async def concurrent_edits_of_different_fields_all_commit(both: TwoProcesses) -> None:
    """Eighteen clients on three tasks, in two processes, all of which saw the first version."""
    tasks = [await create_tasks(both) for _ in range(3)]
    targeted = [(task, command) for command in DISJOINT_EDITS for task in tasks]
    answers = await handle_concurrently(both, targeted)
    assert all(isinstance(answer, Committed) for answer in answers), answers
    for task in tasks:
        state = await both.logs[0].load_state(Task, task)
        assert state is not None
        assert (state.title, state.description, state.priority, state.due) == ("Buy tea", "Green", "high", "2026-12-01")
        assert (state.column, state.status) == ("doing", "done")


async def one_concurrent_edit_of_a_field_commits(both: TwoProcesses) -> None:
    task = await create_tasks(both)
    edits: list[tuple[UUID, Command[Task]]] = [
        (task, RenameTask(title=f"Buy {number}", expected_version=1)) for number in range(16)
    ]
    answers = await handle_concurrently(both, edits)
    assert sum(isinstance(answer, Committed) for answer in answers) == 1
    assert sum(isinstance(answer, VersionConflict) for answer in answers) == 15
    (history,) = (await both.logs[0].load_streams([task])).values()
    assert [type(one.event).__name__ for one in history] == ["TaskCreated", "TaskRenamed"]


async def test_concurrent_edits_of_different_fields_all_commit(settings: Settings) -> None:
    async with two_processes(settings.database_url) as both:
        await concurrent_edits_of_different_fields_all_commit(both)


async def test_one_concurrent_edit_of_a_field_commits(settings: Settings) -> None:
    async with two_processes(settings.database_url) as both:
        await one_concurrent_edit_of_a_field_commits(both)


async def test_a_rebase_that_merges_the_same_field_is_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted_defects.a_rebase_that_merges_the_same_field(monkeypatch)
    async with two_processes(settings.database_url) as both:
        await assert_async_check_fails(lambda: one_concurrent_edit_of_a_field_commits(both))


async def test_a_process_with_a_stale_cache_rebases_onto_the_current_version(settings: Settings) -> None:
    async with two_processes(settings.database_url) as both:
        task, (one, other) = await create_tasks(both), both.handlers
        edit = [CommandOn(task, EditTask(due="2026-12-01", expected_version=1))]
        tried = await other.dry_run(CommandRequest(edit, ADA, new_id()))
        assert [event.version for event in tried.planned_events] == [2]
        for number in range(5):
            rename = RenameTask(title=f"{number}", expected_version=1 + number)
            await one.handle(CommandRequest([CommandOn(task, rename)], ADA, new_id()))
        with pytest.raises(VersionConflict):
            await other.dry_run(CommandRequest(edit, ADA, new_id()))
        tried = await other.dry_run(CommandRequest(edit, ADA, new_id(), can_rebase=True))
        assert [event.version for event in tried.planned_events] == [7]
        await one.handle(CommandRequest([CommandOn(task, CompleteTask())], ADA, new_id()))
        done = await other.handle(CommandRequest(edit, ADA, new_id(), can_rebase=True))
        assert (done.results[0].version, done.has_changes) == (8, True)
        history = (await both.logs[0].load_streams([task]))[task]
        state = fold(Task, (recorded.event for recorded in history))
        assert state is not None
        assert (state.title, state.due, state.status) == ("4", "2026-12-01", "done")


async def create_tasks(both: TwoProcesses) -> UUID:
    task = new_id()
    await both.handlers[0].handle(
        CommandRequest([CommandOn(task, CreateTask(project_id=PROJECTS[0], title="Milk"))], ADA, new_id())
    )
    return task


async def handle_concurrently(
    both: TwoProcesses, targeted: Sequence[tuple[UUID, Command[Task]]]
) -> list[Committed | BaseException]:
    orders = [CommandRequest([CommandOn(task, command)], ADA, new_id(), can_rebase=True) for task, command in targeted]
    calls = (both.handlers[at % 2].handle(order) for at, order in enumerate(orders))
    return await asyncio.gather(*calls, return_exceptions=True)
