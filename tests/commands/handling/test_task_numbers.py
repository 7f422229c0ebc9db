"""Task numbers are allocated in blocks: each number is used once, in order, by the process that took its block."""

import asyncio
from collections.abc import Sequence

import pytest

from commands.handling.append import Append, AppendResult
from commands.handling.command_on import CommandOn
from commands.handling.decision import Decision
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from commands.handling.task_numbers import MAX_BLOCK_NUMBERS, MIN_BLOCK_NUMBERS, NumberBlocks, NumberPool
from commands.task import CreateTask
from domain.task import TaskCreated, TaskNumbersTaken, task_numbers_stream_id
from tests.examples import ADA, OTHER_PROJECT, PROJECT, fixed_uuid7, project, workspace
from tests.in_memory_event_log import InMemoryEventLog

CREATE = CreateTask(project_id=PROJECT, title="Buy milk")


class RivalLog(InMemoryEventLog):
    """A rival takes the next number just before each of the first appends of several commands."""

    def __init__(self, times: int) -> None:
        super().__init__([*workspace(), *project()])
        self.times = times

    async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        if self.times and len(appends) > 1:
            self.times -= 1
            last = max((event.last for event in allocated_blocks(self)), default=0)
            self.history.append([(task_numbers_stream_id(PROJECT), TaskNumbersTaken(last + 1, last + 1))])
        return await super().append(appends)


def allocated_blocks(log: InMemoryEventLog) -> list[TaskNumbersTaken]:
    return [
        event for event in log.history.events(task_numbers_stream_id(PROJECT)) if isinstance(event, TaskNumbersTaken)
    ]


def task_numbers(log: InMemoryEventLog) -> list[int]:
    return [event.number for _, event in log.history.facts if isinstance(event, TaskCreated)]


async def create(handling: CommandHandler, first: int, count: int) -> None:
    commands = [CommandOn(fixed_uuid7(1000 + number), CREATE) for number in range(first, first + count)]
    await asyncio.gather(
        *(
            handling.handle(CommandRequest([command], ADA, fixed_uuid7(5000 + at)))
            for at, command in enumerate(commands)
        )
    )


async def test_sequential_creates_allocate_one_number_each() -> None:
    log = InMemoryEventLog([*workspace(), *project()])
    for number in range(4):
        await create(CommandHandler(log), number, 1)
    assert task_numbers(log) == [1, 2, 3, 4]
    assert [(block.first, block.last) for block in allocated_blocks(log)] == [(1, 1), (2, 2), (3, 3), (4, 4)]


async def test_concurrent_creates_allocate_few_blocks_and_use_the_rest_later() -> None:
    log = InMemoryEventLog([*workspace(), *project()])
    handling = CommandHandler(log)
    await create(handling, 0, 1)
    await create(handling, 1, 20)
    taken = len(allocated_blocks(log))
    assert task_numbers(log) == list(range(1, 22))
    assert taken < 8
    while handling._lane._number_pool.allocate(PROJECT):  # noqa: SLF001 - no public method shows the unused numbers
        pass
    await create(handling, 30, 1)
    assert len(allocated_blocks(log)) == taken + 1


async def test_no_number_is_used_twice_when_a_rival_allocates_a_block() -> None:
    log = RivalLog(times=3)
    await asyncio.gather(
        *(create(handling, 100 * at, 20) for at, handling in enumerate([CommandHandler(log), CommandHandler(log)]))
    )
    assert log.times == 0
    assert log.conflict_count, "there was no race"
    numbers = task_numbers(log)
    assert len(set(numbers)) == len(numbers) == 40
    inside = {number for block in allocated_blocks(log) for number in range(block.first, block.last + 1)}
    assert set(numbers) <= inside


async def test_using_numbers_of_an_unwritten_block_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: a command uses a number of an unwritten block without guarding the number stream."""

    def careless(decision: Decision, project: object) -> int:
        number = decision._number_blocks.pending.allocate(PROJECT)  # noqa: SLF001 - the defect belongs here
        return number if number is not None else right(decision, PROJECT)

    right = Decision.allocate_task_number
    monkeypatch.setattr(Decision, "allocate_task_number", careless)
    with pytest.raises(AssertionError):
        await test_no_number_is_used_twice_when_a_rival_allocates_a_block()


def test_a_block_grows_with_the_waiting_creates_within_bounds() -> None:
    wanted = iter((0, 1, 20, MAX_BLOCK_NUMBERS, 500))
    blocks = [NumberBlocks(NumberPool(), lambda _: next(wanted)).next_block_size(PROJECT) for _ in range(5)]
    assert blocks == [1, MIN_BLOCK_NUMBERS, 20, MAX_BLOCK_NUMBERS, MAX_BLOCK_NUMBERS]


def test_blocks_double_under_load_and_reset_when_idle() -> None:
    numbers = NumberPool()
    busy, idle = NumberBlocks(numbers, lambda _: 1), NumberBlocks(numbers, lambda _: 0)
    assert [busy.next_block_size(PROJECT) for _ in range(8)] == [16, 32, 64, 64, 64, 64, 64, 64]
    assert [idle.next_block_size(PROJECT), busy.next_block_size(PROJECT), busy.next_block_size(OTHER_PROJECT)] == [
        1,
        16,
        16,
    ]


def test_each_project_has_its_own_numbers() -> None:
    numbers = NumberPool()
    numbers.set(PROJECT, range(5, 7))
    assert numbers.allocate(OTHER_PROJECT) is None
    assert [numbers.allocate(PROJECT) for _ in range(3)] == [5, 6, None]
