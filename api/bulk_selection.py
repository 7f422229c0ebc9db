"""The tasks of a bulk change: those that match a filter, or those that are named."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from api.http.deadline import current_deadline
from api.http.problems import MalformedRequest
from api.ledger import AuthedRequest, Ledger
from api.task_queries import filter_context
from commands.handling.each import StoredRefusal
from domain.errors import Refusal, TooManyTasksToChange
from domain.task import Task
from infra.bulk.bulk_change import BulkProgress, RefusedTask, TaskGroups
from projections.task_page_sql import workspaces_scope
from projections.task_selection import WORKSPACES_BY_ID_SQL, selection

MAX_SELECTED_TASKS: Final = 100_000
MAX_CONCURRENT_LOOKUPS: Final = 10


async def select_matching(request: AuthedRequest, ledger: Ledger, filter_: str, min_position: int | None) -> TaskGroups:
    """The tasks in all workspaces of the caller that match a filter, as of a position.

    Raises TooManyTasksToChange, and what a list with this filter raises.
    """
    scope = workspaces_scope(await ledger.workspaces_of_caller(request, min_position), request.user.user_id)
    try:
        context = await filter_context(request, ledger, filter_, scope, min_position)
        question = selection(scope, filter_, context, MAX_SELECTED_TASKS + 1)
    except Refusal as refusal:
        refusal.pointer = "#/filter"
        raise
    answer = (await ledger.fetch(request, question, min_position)).answer
    found = msgspec.json.decode(answer.body, type=list[list[UUID]]) if answer else []
    if sum(map(len, found)) > MAX_SELECTED_TASKS:
        raise TooManyTasksToChange(most=MAX_SELECTED_TASKS)
    return TaskGroups.of(found)


async def select_named(
    request: AuthedRequest, ledger: Ledger, names: Sequence[str], min_position: int | None
) -> tuple[TaskGroups, BulkProgress]:
    """The tasks with these ids and keys, each once, and the refusals of keys that name none.

    Raises MalformedRequest for a name that is neither.
    """
    found = list[UUID | RefusedTask]()
    for start in range(0, len(names), MAX_CONCURRENT_LOOKUPS):
        current_deadline().restart()
        several = enumerate(names[start : start + MAX_CONCURRENT_LOOKUPS], start)
        found.extend(await asyncio.gather(*(_resolve(request, ledger, name, at, min_position) for at, name in several)))
    ids = list(dict.fromkeys(one for one in found if isinstance(one, UUID)))
    refused = {one.id: one for one in found if isinstance(one, RefusedTask)}
    workspaces = await _workspaces_of(ledger, ids)
    by_workspace: dict[UUID | None, list[UUID]] = {}
    for task in ids:
        by_workspace.setdefault(workspaces.get(task), []).append(task)
    groups = TaskGroups.of(by_workspace.values())
    return groups, BulkProgress(refused_count=len(refused), refused=tuple(refused.values()))


async def _resolve(
    request: AuthedRequest, ledger: Ledger, name: str, at: int, min_position: int | None
) -> UUID | RefusedTask:
    try:
        return await ledger.resolve_task_id(request, name, min_position)
    except MalformedRequest as error:
        error.pointer = f"#/ids/{at}"
        raise
    except Refusal as refusal:
        return RefusedTask(name, StoredRefusal.of(refusal))


async def _workspaces_of(ledger: Ledger, tasks: Sequence[UUID]) -> dict[UUID, UUID]:
    """The workspace of each task that exists; of those that the read model lacks, from the log."""
    rows = await ledger.read_tables.fetch_rows(WORKSPACES_BY_ID_SQL, (list(tasks),))
    workspaces: dict[UUID, UUID] = {task: workspace for workspace, task in rows}
    missing = [task for task in tasks if task not in workspaces]
    for task, known in zip(missing, await ledger.log.load_states([(task, Task) for task in missing]), strict=True):
        if isinstance(state := known.states[Task], Task):
            workspaces[task] = state.workspace_id
    return workspaces
