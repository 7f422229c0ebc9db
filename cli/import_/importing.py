"""Importing: the tasks of a file through the same commands as everybody's, one row at a time."""

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct, field

from cli.import_.mapping import Refused, Taken
from cli.opened import Opened
from commands.handling.group import CommandRequest
from domain.errors import IdTaken, Refusal
from domain.event import Actor
from domain.task import Task
from infra.errors import OperatorError
from infra.ids import new_id
from infra.reading.progress import ProjectionBehind

FULL = "in a column that has more tasks than its limit"
NOT_COUNTED = "A column has a limit, and its tasks are not counted, as no worker keeps up: start `taskledger worker`."


class Outcome(Struct):
    """What became of the rows, or would, for the summary."""

    dry: bool = False
    created: int = 0
    there: int = 0
    differing: int = 0
    parts: int = 0
    refused: list[Refused] = []
    lost: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)


async def carry_out(instance: Opened, tasks: Iterable[Taken | Refused], user: UUID, outcome: Outcome) -> None:
    """Create each task that is not there yet, all of it or nothing of it; a refused one stops no other.

    Where the outcome is a dry one, all is decided as it would be, and nothing is written.
    """
    actor = Actor(user, "import")
    for task in tasks:
        if isinstance(task, Refused):
            outcome.refused.append(task)
            continue
        try:
            done = await instance.counting.handle(CommandRequest(task.wishes, actor, new_id(), is_dry_run=outcome.dry))
        except IdTaken:
            outcome.there += 1
            outcome.differing += not task.is_as(await instance.log.load_state(Task, task.id))
        except Refusal as refusal:
            outcome.refused.append(Refused(task.place, str(refusal)))
        except ProjectionBehind as behind:
            raise OperatorError(NOT_COUNTED) from behind
        else:
            outcome.created += 1
            outcome.parts += task.is_part
            outcome.lost.update(task.lost)
            outcome.remarks.update(task.remarks)
            outcome.remarks.update([FULL] if any(result.warnings for result in done.results) else [])
