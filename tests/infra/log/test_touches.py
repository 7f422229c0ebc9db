"""The index of the events that touch documents of other streams: written with them, once."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from commands.handling.append import Append
from domain.event import Actor, Change, Event
from domain.rank import RanksRebalanced
from domain.task import TaskRenamed
from infra import log as reading
from infra.database.connections import connect
from infra.database.pool import create_pool
from infra.log.event_log import EventLog
from infra.settings import Settings

ACTOR = Actor(uuid4())
FIRST_TASK, SECOND_TASK = uuid4(), uuid4()
REBALANCED = RanksRebalanced("a", {FIRST_TASK: "a1", SECOND_TASK: "a2"})
RENAMED = TaskRenamed(Change("a", "b"))


@pytest.fixture
async def log(settings: Settings) -> AsyncIterator[EventLog]:
    async with create_pool(settings.database_url) as connections:
        yield EventLog(settings.database_url, connections)


def append_of(stream: UUID, expected: int, *events: Event) -> Append:
    return Append({stream: expected}, [(stream, event) for event in events], ACTOR, uuid4(), uuid4())


def touching(settings: Settings, document: UUID) -> list[tuple[int, Event]]:
    with connect(settings.database_url) as connection:
        return [(one.position, one.event) for one in reading.load_touching(connection, document)]


async def test_it_has_each_document_that_an_event_touches(log: EventLog, settings: Settings) -> None:
    renamed, rebalanced = await log.append([append_of(uuid4(), 0, RENAMED), append_of(uuid4(), 0, RENAMED, REBALANCED)])
    assert not isinstance(renamed, Exception)
    assert not isinstance(rebalanced, Exception)
    assert touching(settings, FIRST_TASK) == touching(settings, SECOND_TASK) == [(rebalanced.position, REBALANCED)]


async def test_a_group_that_is_sent_again_is_there_once(log: EventLog, settings: Settings) -> None:
    group = [append_of(uuid4(), 0, REBALANCED), append_of(uuid4(), 0, RENAMED)]
    first = await log.append(group)
    assert await log.append(group) == first
    assert [event for _, event in touching(settings, FIRST_TASK)] == [REBALANCED]


async def test_an_event_that_is_not_written_touches_nothing(log: EventLog, settings: Settings) -> None:
    stream = uuid4()
    await log.append([append_of(stream, 0, RENAMED)])
    await log.append([append_of(stream, 0, REBALANCED), append_of(uuid4(), 0, RENAMED)])
    assert touching(settings, FIRST_TASK) == []
