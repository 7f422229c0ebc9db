"""Imports mapped tasks through the command handler, one row at a time, as the API would create them."""

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct, field

from cli.import_.mapping import MappedTask, RefusedRow
from cli.open_instance import OpenInstance
from commands.handling.outcome import Outcome
from commands.handling.request import CommandRequest
from domain.errors import IdTaken, Refusal
from domain.event import Actor
from domain.task import Task
from infra.errors import OperatorError
from infra.ids import new_id
from infra.reading.progress import ProjectionBehind

OVER_LIMIT_REMARK = "put in a column that is over its limit"
NOT_COUNTED_MESSAGE = (
    "The tasks of a limited column are not counted, as no worker is up to date: start `taskledger worker`."
)


class ImportOutcome(Struct):
    """Counts of the rows created, already there and refused, for the report."""

    is_dry_run: bool = False
    created: int = 0
    existing: int = 0
    changed_since: int = 0
    sub_tasks: int = 0
    refused_rows: list[RefusedRow] = []
    ignored_fields: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)


async def import_tasks(
    instance: OpenInstance, tasks: Iterable[MappedTask | RefusedRow], user_id: UUID, outcome: ImportOutcome
) -> None:
    """Creates each task that does not exist yet, completely or not at all; a refused row does not stop the others.

    In a dry run every row is decided as in a real one, and nothing is written.
    """
    actor = Actor(user_id, "import")
    for task in tasks:
        if isinstance(task, RefusedRow):
            outcome.refused_rows.append(task)
            continue
        try:
            request = CommandRequest(task.commands, actor, new_id())
            handle = instance.command_handler.dry_run if outcome.is_dry_run else instance.command_handler.handle
            imported: Outcome = await handle(request)
        except IdTaken:
            outcome.existing += 1
            outcome.changed_since += not task.matches(await instance.log.load_state(Task, task.id))
        except Refusal as refusal:
            outcome.refused_rows.append(RefusedRow(task.location, str(refusal)))
        except ProjectionBehind as behind:
            raise OperatorError(NOT_COUNTED_MESSAGE) from behind
        else:
            outcome.created += 1
            outcome.sub_tasks += task.is_sub_task
            outcome.ignored_fields.update(task.ignored_fields)
            outcome.remarks.update(task.remarks)
            outcome.remarks.update([OVER_LIMIT_REMARK] if any(result.warnings for result in imported.results) else [])
