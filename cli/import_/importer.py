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
from domain.errors import IdTaken, Refusal, TooBusy
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
Item = MappedTask | RefusedRow | RepeatedRow


class ImportOutcome(Struct):
    """Counts of the rows created, already there and refused, for the report."""

    is_dry_run: bool = False
    created: int = 0
    done: int = 0
    trashed: int = 0
    existing: int = 0
    changed_since: int = 0
    sub_tasks: int = 0
    repeated: int = 0
    repeated_otherwise: int = 0
    refused_rows: list[RefusedRow] = field(default_factory=list)
    ignored_fields: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)

    @property
    def row_count(self) -> int:
        """How many rows were tried."""
        return self.created + self.trashed + self.existing + self.repeated + len(self.refused_rows)

    def add_created(self, task: MappedTask, imported: Outcome) -> None:
        """Count a row that became a task."""
        self.created += not task.is_deleted
        self.done += task.is_done and not task.is_deleted
        self.trashed += task.is_deleted
        self.sub_tasks += task.is_sub_task
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
        elif not isinstance(result := results[item.id], BaseException):
            outcome.add_created(item, result)
        elif isinstance(result, IdTaken):  # another import took it a moment ago
            outcome.add_existing(item, await instance.log.load_state(Task, item.id))
        elif isinstance(result, Refusal) and not isinstance(result, TooBusy):
            outcome.refused_rows.append(RefusedRow(item.location, str(result)))
    _raise_failure(results.values())


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
) -> list[Outcome | BaseException]:
    """One result each. The first goes alone: it loads what the others read, so that they are decided in order."""
    results: list[Outcome | BaseException] = []
    for group in (tasks[:1], tasks[1:]):
        requests = (CommandRequest(task.commands, actor, new_id()) for task in group)
        handling = [_handle(instance, request, is_dry_run=outcome.is_dry_run) for request in requests]
        results += await asyncio.gather(*handling, return_exceptions=True)
    return results


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
