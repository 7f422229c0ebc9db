"""Merging and trying over PostgreSQL: nobody who changed another field loses, whatever each process remembers."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from commands.command import Command
from commands.handling.decision import CommandOn
from commands.handling.group import CommandRequest
from commands.handling.handler import Committed
from commands.task import CompleteTask, CreateTask, EditTask, RenameTask
from domain.errors import VersionConflict
from domain.event import fold
from domain.task import Task
from infra.ids import new_id
from infra.settings import Settings
from tests import defects
from tests.commands.races import OWN_FIELDS
from tests.defects import noticed_in_time
from tests.examples import ADA
from tests.store.processes import PROJECTS, Processes, processes


async def many_clients_change_fields_of_their_own_and_nobody_loses(both: Processes) -> None:
    """Eighteen clients on three tasks, in two processes, all of whom saw the first version."""
    tasks = [await created(both) for _ in range(3)]
    wishes = [(task, command) for command in OWN_FIELDS for task in tasks]
    answers = await at_once(both, wishes)
    assert all(isinstance(answer, Committed) for answer in answers), answers
    for task in tasks:
        state = await both.logs[0].load_state(Task, task)
        assert state is not None
        assert (state.title, state.description, state.priority, state.due) == ("Buy tea", "Green", "high", "2026-12-01")
        assert (state.column, state.status) == ("doing", "done")


async def one_of_many_clients_changes_the_same_field(both: Processes) -> None:
    task = await created(both)
    edits: list[tuple[UUID, Command[Task]]] = [
        (task, RenameTask(title=f"Buy {number}", expected_version=1)) for number in range(16)
    ]
    answers = await at_once(both, edits)
    assert sum(isinstance(answer, Committed) for answer in answers) == 1
    assert sum(isinstance(answer, VersionConflict) for answer in answers) == 15
    (history,) = (await both.logs[0].load_streams([task])).values()
    assert [type(one.event).__name__ for one in history] == ["TaskCreated", "TaskRenamed"]


async def test_many_clients_change_fields_of_their_own_and_nobody_loses(settings: Settings) -> None:
    async with processes(settings.database_url) as both:
        await many_clients_change_fields_of_their_own_and_nobody_loses(both)


async def test_one_of_many_clients_changes_the_same_field(settings: Settings) -> None:
    async with processes(settings.database_url) as both:
        await one_of_many_clients_changes_the_same_field(both)


async def test_a_rebase_that_merges_the_same_field_is_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    defects.a_rebase_that_merges_the_same_field(monkeypatch)
    async with processes(settings.database_url) as both:
        await noticed_in_time(lambda: one_of_many_clients_changes_the_same_field(both))


async def test_a_process_that_remembers_an_older_version_merges_on_the_present_one(settings: Settings) -> None:
    async with processes(settings.database_url) as both:
        task, (one, other) = await created(both), both.handlings
        edit = [CommandOn(task, EditTask(due="2026-12-01", expected_version=1))]
        tried = await other.handle(CommandRequest(edit, ADA, new_id(), is_dry_run=True))
        assert [event.version for event in tried.planned_events] == [2]
        for number in range(5):
            rename = RenameTask(title=f"{number}", expected_version=1 + number)
            await one.handle(CommandRequest([CommandOn(task, rename)], ADA, new_id()))
        with pytest.raises(VersionConflict):
            await other.handle(CommandRequest(edit, ADA, new_id(), is_dry_run=True))
        tried = await other.handle(CommandRequest(edit, ADA, new_id(), is_dry_run=True, can_rebase=True))
        assert [event.version for event in tried.planned_events] == [7]
        await one.handle(CommandRequest([CommandOn(task, CompleteTask())], ADA, new_id()))
        done = await other.handle(CommandRequest(edit, ADA, new_id(), can_rebase=True))
        assert (done.results[0].version, done.has_changes) == (8, True)
        history = (await both.logs[0].load_streams([task]))[task]
        state = fold(Task, (recorded.event for recorded in history))
        assert state is not None
        assert (state.title, state.due, state.status) == ("4", "2026-12-01", "done")


async def created(both: Processes) -> UUID:
    task = new_id()
    await both.handlings[0].handle(
        CommandRequest([CommandOn(task, CreateTask(project_id=PROJECTS[0], title="Milk"))], ADA, new_id())
    )
    return task


async def at_once(both: Processes, wishes: Sequence[tuple[UUID, Command[Task]]]) -> list[Committed | BaseException]:
    orders = [CommandRequest([CommandOn(task, command)], ADA, new_id(), can_rebase=True) for task, command in wishes]
    calls = (both.handlings[at % 2].handle(order) for at, order in enumerate(orders))
    return await asyncio.gather(*calls, return_exceptions=True)
