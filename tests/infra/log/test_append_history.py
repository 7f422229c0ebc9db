"""Histories in the log: events of new streams have the times that they are given, all of them or none are written."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from msgspec.structs import replace

from commands.handling.append import Append
from domain.event import Actor, Change
from domain.rank import RanksRebalanced
from domain.task import TaskRenamed
from infra import log as reading
from infra.database.connections import connect
from infra.database.pool import create_pool
from infra.log.event_log import EventLog
from infra.log.history_call import ExistingStream
from infra.settings import Settings

LONG_AGO = datetime(2017, 3, 26, tzinfo=UTC)
WORKSPACE = uuid4()
ACTOR = Actor(uuid4(), "import", uuid4())
RENAMED = TaskRenamed(Change("a", "b"))


@pytest.fixture
async def log(settings: Settings) -> AsyncIterator[EventLog]:
    async with create_pool(settings.database_url) as connections:
        yield EventLog(settings.database_url, connections)


def append_of(at: datetime | None, **versions: int) -> Append:
    stream = uuid4()
    return Append({stream: versions.get("expected", 0)}, [(stream, RENAMED)], ACTOR, uuid4(), WORKSPACE, at=at)


async def test_each_event_has_its_time_its_actor_and_its_command(log: EventLog) -> None:
    first, second = append_of(LONG_AGO), append_of(None)
    later = replace(first, expected_versions={first.events[0][0]: 1}, command_id=uuid4(), at=LONG_AGO + timedelta(1))
    position = await log.append_history([first, later, second])
    stream, other = first.events[0][0], second.events[0][0]
    recorded = [*await log.load_stream(stream), *await log.load_stream(other)]
    assert [one.version for one in recorded] == [1, 2, 1]
    assert [one.at for one in recorded] == [LONG_AGO, later.at, recorded[2].recorded_at]
    assert [one.command_id for one in recorded] == [first.command_id, later.command_id, second.command_id]
    assert {(one.actor, one.workspace_id) for one in recorded} == {(ACTOR, WORKSPACE)}
    assert position == recorded[-1].position == await log.head()
    assert {one.recorded_at for one in recorded} == {recorded[0].recorded_at}


async def test_times_of_recording_go_on_and_no_event_is_of_the_future(log: EventLog) -> None:
    ahead = append_of(datetime.now(UTC) + timedelta(days=1))
    await log.append_history([append_of(LONG_AGO), ahead])
    (recorded,) = await log.load_stream(ahead.events[0][0])
    assert recorded.at == recorded.recorded_at
    after = append_of(None)
    await log.append([after])
    (last,) = await log.load_stream(after.events[0][0])
    assert last.recorded_at >= recorded.recorded_at


async def test_a_stream_that_has_changed_lets_nothing_be_written(log: EventLog) -> None:
    head = await log.head()
    stale = replace(append_of(LONG_AGO), expected_versions={uuid4(): 1}, events=[])
    assert await log.append_history([append_of(LONG_AGO), stale]) is None
    assert await log.head() == head


async def test_a_history_does_not_go_on_in_a_stream_that_exists(log: EventLog) -> None:
    with pytest.raises(ExistingStream):
        await log.append_history([append_of(LONG_AGO, expected=1)])


async def test_documents_of_other_streams_are_touched(log: EventLog, settings: Settings) -> None:
    touched, plain = uuid4(), append_of(LONG_AGO)
    rebalanced = replace(plain, events=[(plain.events[0][0], RanksRebalanced("a", {touched: "a1"}))])
    position = await log.append_history([append_of(LONG_AGO), rebalanced])
    with connect(settings.database_url) as connection:
        assert [one.position for one in reading.load_touching(connection, touched)] == [position]
