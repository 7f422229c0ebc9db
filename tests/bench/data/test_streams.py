"""Streams: of the stated length, with consistent events."""

from collections import defaultdict
from uuid import UUID

import pytest

from bench.data.streams import TASKS_BY_LENGTH, StreamsByLength
from domain.event import Event, fold
from domain.task import Task, TaskRenamed
from infra.ids import new_id

pytestmark = pytest.mark.slow


def test_streams_have_their_length_and_consistent_events() -> None:
    streams, events = StreamsByLength(new_id()), defaultdict[UUID, list[Event]](list)
    for one in streams.generate_events():
        assert one.version == len(events[one.stream]) + 1
        events[one.stream].append(one.event)
    assert {length: len(tasks) for length, tasks in streams.tasks_by_length.items()} == TASKS_BY_LENGTH
    for length, tasks in streams.tasks_by_length.items():
        assert {len(events[task]) for task in tasks} == {length}
    last = streams.tasks_by_length[10][0]
    *before, renamed = events[last]
    state = fold(Task, before)
    assert state
    assert isinstance(renamed, TaskRenamed)
    assert renamed.title.old == state.title
