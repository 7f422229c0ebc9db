"""Loading: concurrent loads of a stream share one read, many streams need one query, and a failure stays isolated."""

import asyncio
from collections.abc import Sequence

import pytest

from commands.handling.loader import StateKey, StreamLoader
from commands.handling.stream_cache import NotLoaded, StreamCache, StreamState
from domain.errors import UnknownEvent
from domain.task import Task
from tests.examples import OTHER_TASK, TASK, fixed_uuid7, task
from tests.in_memory_event_log import InMemoryEventLog


class RecordingLog(InMemoryEventLog):
    """Records the streams of each query; the stream of one task cannot be read."""

    def __init__(self) -> None:
        super().__init__([*task(), *task(task_id=fixed_uuid7(77), number=2)])
        self.questions: list[list[StateKey]] = []

    async def load_states(self, wanted: Sequence[StateKey]) -> list[StreamState]:
        self.questions.append(list(wanted))
        known = await super().load_states(wanted)
        if (OTHER_TASK, Task) in wanted:
            raise UnknownEvent("TaskSung", OTHER_TASK)
        return known


async def test_concurrent_loads_are_coalesced() -> None:
    log, memory = RecordingLog(), StreamCache()
    loading = StreamLoader(log, memory)
    await asyncio.gather(*(loading.load(NotLoaded(Task, stream)) for stream in (TASK, fixed_uuid7(77)) * 20))
    assert sorted(stream for question in log.questions for stream, _ in question) == [TASK, fixed_uuid7(77)]
    assert len(log.questions) == 1
    assert (known := memory.get(TASK))
    assert known.version == 1


async def test_a_stream_that_cannot_be_read_fails_alone() -> None:
    log, memory = RecordingLog(), StreamCache()
    loading = StreamLoader(log, memory)
    wanted = [loading.load(NotLoaded(Task, stream)) for stream in (TASK, OTHER_TASK, OTHER_TASK, fixed_uuid7(77))]
    answers = await asyncio.gather(*wanted, return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), UnknownEvent, UnknownEvent, type(None)]
    assert memory.get(TASK)
    assert memory.get(OTHER_TASK) is None


async def test_a_cancelled_load_continues_for_the_others() -> None:
    loading = StreamLoader(RecordingLog(), memory := StreamCache())
    first, second = (asyncio.create_task(loading.load(NotLoaded(Task, TASK))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert memory.get(TASK)
    with pytest.raises(asyncio.CancelledError):
        await first
