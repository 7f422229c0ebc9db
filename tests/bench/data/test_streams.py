"""Streams: as long as they are said to be, and true."""

from collections import defaultdict
from uuid import UUID

from bench.data.streams import TASKS, Streams
from domain.event import Event, fold
from domain.task import Task, TaskRenamed
from infra.ids import new_id


def test_each_task_has_so_many_events_each_true_to_its_state() -> None:
    streams, events = Streams(new_id()), defaultdict[UUID, list[Event]](list)
    for one in streams.happening():
        assert one.version == len(events[one.stream]) + 1
        events[one.stream].append(one.event)
    assert {length: len(tasks) for length, tasks in streams.tasks.items()} == TASKS
    for length, tasks in streams.tasks.items():
        assert {len(events[task]) for task in tasks} == {length}
    last = streams.tasks[10][0]
    *before, renamed = events[last]
    state = fold(Task, before)
    assert state
    assert isinstance(renamed, TaskRenamed)
    assert renamed.title.old == state.title
