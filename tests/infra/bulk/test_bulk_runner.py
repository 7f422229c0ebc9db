"""The runner of bulk changes: a fault of one task stops no other, one of all stops the change."""

from typing import Any, cast
from uuid import UUID

import psycopg
import pytest

from commands.handling.each import EachOutcome
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from commands.label import LabelTask
from domain.errors import ColumnNotCounted, TooBusy
from infra.bulk import bulk_runner
from infra.bulk.bulk_change import BulkChange, BulkProgress, TaskGroups
from infra.bulk.bulk_runner import MAX_BUSY_ATTEMPTS, BulkRunner
from infra.bulk.bulk_store import BulkStore
from tests.examples import ADA, fixed_uuid7

TASKS = [fixed_uuid7(100 + number) for number in range(5)]
CHANGE = BulkChange(fixed_uuid7(9), LabelTask(label="Shop"), TaskGroups.of([TASKS]), ADA, "write")


class FaultyHandler:
    """Raises errors where a task has one, for as many calls as it has; else all tasks change."""

    def __init__(self, *faults: Exception, task: UUID = TASKS[1]) -> None:
        self.faults = [*faults]
        self.task = task
        self.sizes: list[int] = []

    async def carry_out_each(self, request: CommandRequest) -> EachOutcome:
        self.sizes.append(len(request.commands))
        if self.faults and self.task in {one.target for one in request.commands}:
            raise self.faults.pop(0)
        return EachOutcome(tuple(range(len(request.commands))), {}, 7)


class OpenStore:
    """Remembers what was saved."""

    def __init__(self) -> None:
        self.saved: list[BulkProgress] = []

    async def save(self, _: BulkChange, progress: BulkProgress) -> bool:
        self.saved.append(progress)
        return True


async def carry_out(handler: FaultyHandler, store: OpenStore | None = None) -> BulkProgress:
    runner = BulkRunner(cast("CommandHandler", handler), cast("BulkStore", store or OpenStore()))
    return await runner.carry_out(CHANGE, BulkProgress())


@pytest.mark.parametrize(
    ("fault", "code"), [(RuntimeError, "internal_error"), (ColumnNotCounted, ColumnNotCounted.code())]
)
async def test_a_fault_of_one_task_stops_no_other(fault: type[Exception], code: str) -> None:
    handler, store = FaultyHandler(fault("of the group"), fault("of the task")), OpenStore()
    progress = await carry_out(handler, store)
    assert handler.sizes == [5, 1, 1, 1, 1, 1]
    assert (progress.done, progress.changed, progress.refused_count, progress.position) == (5, 4, 1, 7)
    assert [(one.id, one.refusal.code) for one in progress.refused] == [(str(TASKS[1]), code)]
    assert store.saved[-1] == progress


@pytest.mark.parametrize("fault", [psycopg.OperationalError, psycopg.InterfaceError])
async def test_a_fault_of_all_stops_the_change(fault: type[Exception]) -> None:
    store = OpenStore()
    with pytest.raises(fault):
        await carry_out(FaultyHandler(fault("gone")), store)
    assert store.saved == []


async def test_a_busy_group_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_runner, "BUSY_PAUSE_S", 0.0)
    assert (await carry_out(FaultyHandler(TooBusy(), TooBusy()))).changed == 5
    with pytest.raises(TooBusy):
        await carry_out(FaultyHandler(*[TooBusy()] * MAX_BUSY_ATTEMPTS))


async def test_a_change_that_another_process_has_taken_over_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_runner, "SAVE_INTERVAL_S", 0.0)
    store, handler = OpenStore(), FaultyHandler()
    many = TaskGroups.of([[fixed_uuid7(1_000 + number) for number in range(120)]])

    async def lost(*_: Any) -> bool:
        return False

    monkeypatch.setattr(store, "save", lost)
    runner = BulkRunner(cast("CommandHandler", handler), cast("BulkStore", store))
    change = BulkChange(fixed_uuid7(9), CHANGE.command, many, ADA, "write")
    assert (await runner.carry_out(change, BulkProgress())).done == 50
    assert handler.sizes == [50]
