"""A history: the events of several years, version by version."""

import random
from collections import Counter, defaultdict
from itertools import islice
from uuid import UUID, uuid4

import pytest

from bench.data.history import StreamEvent, generate_events
from domain import codec
from domain.event import Event, changes, fold
from domain.task import Task, TaskCreated, TaskNumbers, TaskNumbersTaken, task_numbers_stream_id

pytestmark = pytest.mark.slow


def history_events(count: int = 20_000) -> list[StreamEvent]:
    return list(islice(generate_events(uuid4(), random.Random(1)), count))


def test_each_event_has_the_next_version_of_its_stream() -> None:
    versions = Counter[object]()
    for one in history_events():
        versions[one.stream] += 1
        assert one.version == versions[one.stream]


def test_old_values_of_changes_match_the_state() -> None:
    streams = defaultdict[UUID, list[Event]](list)
    for one in history_events():
        task = fold(Task, streams[one.stream])
        streams[one.stream].append(one.event)
        if task:
            assert {name: getattr(task, name) for name in changes(one.event)} == {
                name: change.old for name, change in changes(one.event).items()
            }


def test_a_task_has_four_or_five_events() -> None:
    events = history_events()
    tasks = sum(isinstance(one.event, TaskCreated) for one in events)
    assert 4 <= len(events) / tasks <= 6


def test_task_numbers_are_allocated_before_use() -> None:
    taken = defaultdict[UUID, list[Event]](list)
    for one in history_events():
        if isinstance(one.event, TaskNumbersTaken):
            taken[one.stream].append(one.event)
        elif isinstance(one.event, TaskCreated):
            numbers = fold(TaskNumbers, taken[task_numbers_stream_id(one.event.project_id)])
            assert numbers
            assert one.event.number <= numbers.last


def test_events_survive_the_codec() -> None:
    assert all(
        codec.decode(codec.stored_name_of(one.event), codec.encode(one.event)) == one.event
        for one in history_events(3_000)
    )
