"""Imports mapped tasks through the command handler in chunks; each row is a request of its own, as in the API."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from time import monotonic
from typing import Final, cast
from uuid import UUID

from msgspec import Struct, field

from cli.import_.mapping import MappedTask, RefusedRow, RepeatedRow
from cli.open_instance import OpenInstance
from commands.handling.append import OutcomeUnknown
from commands.handling.outcome import Outcome
from commands.handling.request import CommandRequest
from domain.errors import IdTaken, NotFound, ParentIsArchived, ParentIsElsewhere, ParentIsTrashed, Refusal, TooBusy
from domain.event import Actor
from domain.task import Task
from infra.errors import OperatorError
from infra.ids import new_id
from infra.reading.progress import ProjectionBehind
from projections import task_list

MAX_CHUNK_ROWS: Final = 512
"""Rows that are imported at once: the command handler appends them in groups."""
MAX_CHUNK_CHARS: Final = 2_000_000
"""Longer texts of a chunk: the queue of the command handler takes 32 MiB, and a character up to four bytes."""
MAPPING_STEP_ROWS: Final = 16
"""Rows that are mapped before the event loop may look for answers: a millisecond."""
STANDSTILL_S = 5.0
"""A worker that has read nothing for so long is taken for none."""
OVER_LIMIT_REMARK = "put in a column that is over its limit"
NOT_COUNTED_MESSAGE = (
    "The tasks of a limited column are not counted, as no worker is up to date: start `taskledger worker`."
)
NO_ANSWER_MESSAGE = "The event log is too busy, or does not answer in time."
PARENT_REFUSALS: Final = (NotFound, ParentIsArchived, ParentIsElsewhere, ParentIsTrashed)
"""Refusals of a sub-task that is imported without its parent then."""
Item = MappedTask | RefusedRow | RepeatedRow


class ImportOutcome(Struct):
    """Counts of the rows created, already there and refused, for the report."""

    is_dry_run: bool = False
    created: int = 0
    done: int = 0
    trashed: int = 0
    archived: int = 0
    existing: int = 0
    changed_since: int = 0
    sub_tasks: int = 0
    parentless: int = 0
    repeated: int = 0
    repeated_otherwise: int = 0
    refused_rows: list[RefusedRow] = field(default_factory=list)
    ignored_fields: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    planned_ids: set[UUID] = field(default_factory=set)
    """The tasks that a dry run would have created so far."""

    @property
    def row_count(self) -> int:
        """How many rows were tried."""
        return self.created + self.trashed + self.existing + self.repeated + len(self.refused_rows)

    def add_created(self, task: MappedTask, imported: Outcome) -> None:
        """Count a row that became a task."""
        self.created += not task.is_deleted
        self.done += task.is_done and not task.is_deleted
        self.trashed += task.is_deleted
        self.archived += task.is_archived and not task.is_deleted
        self.sub_tasks += task.create.parent_id is not None
        self.parentless += bool(task.parent_title) and task.create.parent_id is None
        self.ignored_fields.update(task.ignored_fields)
        self.remarks.update(task.remarks)
        self.remarks.update([OVER_LIMIT_REMARK] if any(result.warnings for result in imported.results) else [])

    def add_repeated(self, row: RepeatedRow) -> None:
        """Count a row that is the same task as an earlier row of the file."""
        self.repeated += 1
        self.repeated_otherwise += not row.is_equal

    def add_existing(self, task: MappedTask, state: Task | None) -> None:
        """Count a row that was imported before."""
        self.existing += 1
        self.changed_since += not task.matches(state)


async def import_tasks(instance: OpenInstance, items: Iterable[Item], user_id: UUID, outcome: ImportOutcome) -> None:
    """Creates each task that does not exist yet, completely or not at all; a refused row does not stop the others.

    In a dry run every row is decided as in a real one, and nothing is written. If it is cancelled, the outcome counts
    all that was written.
    """
    actor, remaining = Actor(user_id, "import"), iter(items)
    chunk = await _next_chunk(remaining)
    while chunk:
        importing = asyncio.create_task(_import_chunk(instance, chunk, actor, outcome), name="import chunk")
        try:
            chunk = await _next_chunk(remaining)
            await asyncio.shield(importing)
        finally:
            await importing


async def _next_chunk(items: Iterator[Item]) -> list[Item]:
    """The next rows, mapped in small steps, while PostgreSQL works on those before them; empty at the end."""
    chunk: list[Item] = []
    chars = 0
    for item in items:
        chunk.append(item)
        chars += item.text_chars if isinstance(item, MappedTask) else 0
        if len(chunk) == MAX_CHUNK_ROWS or chars > MAX_CHUNK_CHARS:
            break
        if len(chunk) % MAPPING_STEP_ROWS == 0:
            await asyncio.sleep(0)
    return chunk


async def _import_chunk(instance: OpenInstance, chunk: Sequence[Item], actor: Actor, outcome: ImportOutcome) -> None:
    tasks = [item for item in chunk if isinstance(item, MappedTask)]
    existing = await _load_existing(instance, tasks)
    new = [task for task in tasks if task.id not in existing]
    results = dict(zip((task.id for task in new), await _create(instance, new, actor, outcome), strict=True))
    for item in chunk:
        if isinstance(item, RefusedRow):
            outcome.refused_rows.append(item)
        elif isinstance(item, RepeatedRow):
            outcome.add_repeated(item)
        elif item.id in existing:
            outcome.add_existing(item, existing[item.id])
        elif not isinstance(result := results[item.id][1], BaseException):
            outcome.add_created(results[item.id][0], result)
        elif isinstance(result, IdTaken):  # another import took it a moment ago
            outcome.add_existing(item, await instance.log.load_state(Task, item.id))
        elif isinstance(result, Refusal) and not isinstance(result, TooBusy):
            outcome.refused_rows.append(RefusedRow(item.location, str(result)))
    _raise_failure(result for _, result in results.values())


async def _load_existing(instance: OpenInstance, tasks: Sequence[MappedTask]) -> dict[UUID, Task | None]:
    """The states of those that exist, by id: None for one that was purged long ago."""
    if not tasks:
        return {}
    states = await instance.log.load_states([(task.id, Task) for task in tasks])
    return {
        task.id: cast("Task | None", state.states[Task])
        for task, state in zip(tasks, states, strict=True)
        if state.version
    }


async def _create(
    instance: OpenInstance, tasks: Sequence[MappedTask], actor: Actor, outcome: ImportOutcome
) -> list[tuple[MappedTask, Outcome | BaseException]]:
    """Each task as it was imported, with its result; a sub-task that cannot be below its parent is, without one.

    The first task and the first sub-task go alone: they load what the others read, so that all are decided in order.
    """
    first = next((at for at, task in enumerate(tasks) if task.create.parent_id), 0)
    results: list[tuple[MappedTask, Outcome | BaseException]] = []
    for group in (tasks[:1], tasks[1:first], tasks[max(first, 1) : first + 1], tasks[first + 1 :]):
        results += await _send(instance, group, actor, outcome)
    for at, (task, result) in enumerate(results):
        if task.create.parent_id and isinstance(result, PARENT_REFUSALS):
            results[at] = await _send_again(instance, task, actor, outcome)
    return results


async def _send_again(
    instance: OpenInstance, task: MappedTask, actor: Actor, outcome: ImportOutcome
) -> tuple[MappedTask, Outcome | BaseException]:
    """Below its parent, if that was only late, else without it."""
    for attempt in (task, task.without_parent()):
        ((_, result),) = await _send(instance, [attempt], actor, outcome)
        if not isinstance(result, PARENT_REFUSALS):
            break
    return attempt, result


async def _send(
    instance: OpenInstance, tasks: Sequence[MappedTask], actor: Actor, outcome: ImportOutcome
) -> list[tuple[MappedTask, Outcome | BaseException]]:
    """The result of each; in a dry run, a sub-task of one that is not there yet is decided as a task of its own."""
    planned = (outcome.planned_ids, {task.id for task in tasks}) if outcome.is_dry_run else ()
    is_planned = [any(task.create.parent_id in ids for ids in planned) for task in tasks]
    sent = [task.without_parent() if plan else task for task, plan in zip(tasks, is_planned, strict=True)]
    requests = (CommandRequest(task.commands, actor, new_id()) for task in sent)
    handling = [_handle(instance, request, is_dry_run=outcome.is_dry_run) for request in requests]
    results = await asyncio.gather(*handling, return_exceptions=True)
    if not outcome.is_dry_run:
        return list(zip(tasks, results, strict=True))
    decided: list[tuple[MappedTask, Outcome | BaseException]] = []
    for task, plain, result in zip(tasks, sent, results, strict=True):
        is_lost = plain is not task and task.create.parent_id not in outcome.planned_ids
        decided.append((plain if is_lost else task, result))
        outcome.planned_ids.update([] if isinstance(result, BaseException) else [task.id])
    return decided


async def _handle(instance: OpenInstance, request: CommandRequest, *, is_dry_run: bool) -> Outcome:
    """The outcome. A column that has to be counted first waits for the worker, as long as that one gets on.

    An import writes faster than a worker reads. Raises ProjectionBehind if the worker stands still.
    """
    position, advanced_at = -1, monotonic()
    while True:
        try:
            handler = instance.command_handler
            return await (handler.dry_run(request) if is_dry_run else handler.handle(request))
        except ProjectionBehind:
            current = await instance.progress_waiter.current_position(task_list.projection.name)
            if current > position:
                position, advanced_at = current, monotonic()
            elif monotonic() - advanced_at > STANDSTILL_S:
                raise


def _raise_failure(results: Iterable[object]) -> None:
    """Raise the first error that is no refusal of a row: the import cannot go on."""
    for result in results:
        if isinstance(result, ProjectionBehind):
            raise OperatorError(NOT_COUNTED_MESSAGE) from result
        if isinstance(result, TooBusy | OutcomeUnknown):
            raise OperatorError(NO_ANSWER_MESSAGE) from result
        if isinstance(result, BaseException) and not isinstance(result, Refusal):
            raise result
