"""The event log on a real PostgreSQL: appends are atomic, versions checked, positions in commit order."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest

from commands.handling.append import Append, AppendResult, WrongExpectedVersion
from commands.handling.idempotency import IdempotencyKey, IdempotentReplay, StoredOutcome
from domain.errors import UnknownEvent
from domain.event import Actor, Change, Event, Trace
from domain.task import TaskDescribed, TaskRenamed
from infra import log as reading
from infra.database.connections import connect
from infra.database.pool import create_pool
from infra.log import EventSelection
from infra.log.event_log import EventLog
from infra.settings import Settings
from projections import page_bytes

ACTOR = Actor(uuid4(), "agent", uuid4())


@pytest.fixture
async def log(settings: Settings) -> AsyncIterator[EventLog]:
    async with create_pool(settings.database_url) as connections:
        yield EventLog(settings.database_url, connections)


def append_of(stream: UUID, expected: int, *events: Event, **other_seen: int) -> Append:
    written = [(stream, event) for event in events or [TaskRenamed(Change("a", "b"))]]
    return Append(
        {stream: expected} | {UUID(other): at for other, at in other_seen.items()}, written, ACTOR, uuid4(), uuid4()
    )


async def append_one(log: EventLog, append: Append) -> int:
    """Append a group of one, and return its position; raises Changed."""
    (answer,) = await log.append([append])
    if isinstance(answer, Exception):
        raise answer
    return answer.position


async def test_appended_events_are_read_back_unchanged(log: EventLog) -> None:
    stream, events = uuid4(), (TaskRenamed(Change("ä\u2028", "\u0000 €")), TaskDescribed(Change("", "x" * 50_000)))
    appended = append_of(stream, 0, *events)
    position = await append_one(log, appended)
    first, second = (await log.load_streams([stream]))[stream]
    assert (first.event, second.event) == events
    assert (first.version, second.version, second.position) == (1, 2, position)
    assert (first.actor, first.command_id, first.workspace_id) == (ACTOR, appended.command_id, appended.workspace_id)
    assert first.at == first.recorded_at == second.recorded_at


async def test_a_stale_version_writes_nothing(log: EventLog) -> None:
    stream = uuid4()
    await append_one(log, append_of(stream, 0))
    for expected in (0, 2, 2**40):
        with pytest.raises(WrongExpectedVersion):
            await append_one(log, append_of(stream, expected))
    assert len((await log.load_streams([stream]))[stream]) == 1


async def test_a_stream_that_was_only_read_is_guarded(log: EventLog) -> None:
    guard, stream = uuid4(), uuid4()
    await append_one(log, append_of(guard, 0))
    with pytest.raises(WrongExpectedVersion):
        await append_one(log, append_of(stream, 0, **{str(guard): 0}))
    assert await append_one(log, append_of(stream, 0, **{str(guard): 1}))


async def test_events_of_several_streams_are_written_together_or_not_at_all(log: EventLog) -> None:
    taken, fresh = uuid4(), uuid4()
    await append_one(log, append_of(taken, 0))
    both = Append(
        {fresh: 0, taken: 0},
        [(fresh, TaskRenamed(Change("a", "b"))), (taken, TaskRenamed(Change("a", "b")))],
        ACTOR,
        uuid4(),
        None,
    )
    with pytest.raises(WrongExpectedVersion):
        await append_one(log, both)
    assert (await log.load_streams([fresh]))[fresh] == []


async def test_of_many_writers_on_one_version_one_wins(log: EventLog) -> None:
    stream = uuid4()
    for version in range(10):
        tries = await asyncio.gather(
            *(append_one(log, append_of(stream, version)) for _ in range(8)), return_exceptions=True
        )
        assert sum(isinstance(outcome, int) for outcome in tries) == 1
        assert sum(isinstance(outcome, WrongExpectedVersion) for outcome in tries) == 7
    assert [recorded.version for recorded in (await log.load_streams([stream]))[stream]] == list(range(1, 11))


async def test_recorded_times_never_go_back(log: EventLog) -> None:
    await asyncio.gather(*(append_one(log, append_of(uuid4(), 0)) for _ in range(50)))
    with connect(database_url_of(log)) as connection:
        times = [recorded.recorded_at for recorded in reading.load_after(connection, 0, 100)]
    assert len(times) == 50
    assert times == sorted(times)


async def test_an_unknown_event_is_named_with_its_stream(log: EventLog, settings: Settings) -> None:
    stream = uuid4()
    with connect(settings.migration_url) as owner:
        owner.execute(
            "insert into log.events (originator_id, originator_version, topic, state) values (%s, 1, 'TaskSung', '{}')",
            (stream,),
        )
    with pytest.raises(UnknownEvent, match=f"'TaskSung' in stream {stream}"):
        await log.load_streams([stream])


async def test_the_view_shows_events_decoded(log: EventLog) -> None:
    stream = uuid4()
    await append_one(log, append_of(stream, 0))
    with connect(database_url_of(log)) as connection:
        row = connection.execute("select type, data from log.event_log where stream = %s", (stream,)).fetchone()
    assert row == ("TaskRenamed", {"title": ["a", "b"]})


def test_a_reader_skips_no_event_that_commits_late(settings: Settings) -> None:
    assert positions_skipped_by_a_reader(settings.database_url, held_by=APPEND_SQL) == []


def test_positions_allocated_without_the_lock_would_be_skipped(settings: Settings) -> None:
    """The planted defect: the same scenario on a log whose writers are not serialized."""
    with connect(settings.migration_url) as owner:
        (source,) = owner.execute("select pg_get_functiondef('log.append'::regproc)").fetchone() or ("",)
        broken = source.replace("perform pg_advisory_xact_lock(7291402113004155);", "")
        assert broken != source
        owner.execute(broken.encode())
    assert positions_skipped_by_a_reader(settings.database_url, held_by=APPEND_SQL) != []


APPEND_SQL = """select * from log.append(
    array[%s]::uuid[], '{0}', '{1}', '{1}', '{0}', '{1}', '{1}', '{1}', '{TaskSung}', array['{}'::bytea])"""


def positions_skipped_by_a_reader(url: str, held_by: str) -> list[int]:
    """A gets its position and pauses, B commits, a reader reads on, A commits; returns what the reader missed."""
    with connect(url) as a, connect(url) as b, connect(url) as reader:
        a.execute("begin")
        a.execute(held_by, (uuid4(),))
        b.execute("set lock_timeout = '200ms'")
        try:
            b.execute(held_by, (uuid4(),))
        except psycopg.errors.LockNotAvailable:
            b.execute("rollback")
        read = positions_after(reader, after=0)
        checkpoint = max(read, default=0)
        a.execute("commit")
        read += positions_after(reader, after=checkpoint)
        return sorted(set(positions_after(reader, after=0)) - set(read))


def positions_after(connection: psycopg.Connection[tuple[int]], after: int) -> list[int]:
    rows = connection.execute("select notification_id from log.events where notification_id > %s", (after,))
    return [position for (position,) in rows]


def database_url_of(log: EventLog) -> str:
    kwargs = log.datastore.pool.kwargs
    assert isinstance(kwargs, dict)
    parts = {name: kwargs[name] for name in ("dbname", "host", "port", "user", "password")}
    return psycopg.conninfo.make_conninfo(**parts)


async def test_a_page_of_long_events_is_read_until_it_is_full(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = uuid4()
    for version in range(5):
        await append_one(log, append_of(stream, version))
    every = (await log.load_stream(stream))[::-1]
    positions = [recorded.position for recorded in every]
    for max_bytes, expected in ((0, 1), (10_000, 5)):
        monkeypatch.setattr(page_bytes, "MAX_PAGE_BYTES", max_bytes)
        assert await log.load_at(positions) == every[:expected]


async def test_each_append_of_a_group_is_checked_after_those_before_it(log: EventLog) -> None:
    """The second append builds on the first, the third read a stale version, the fourth builds on the third."""
    one_, other, third = uuid4(), uuid4(), uuid4()
    await append_one(log, append_of(other, 0))
    stale = append_of(third, 0, **{str(other): 0})
    answers = await log.append(
        [append_of(one_, 0), append_of(one_, 1), stale, append_of(third, 1), append_of(other, 1)]
    )
    assert [type(answer) for answer in answers] == [
        AppendResult,
        AppendResult,
        WrongExpectedVersion,
        WrongExpectedVersion,
        AppendResult,
    ]
    assert isinstance(answers[2], WrongExpectedVersion)
    assert answers[2].streams == [other]
    versions = {stream: len(history) for stream, history in (await log.load_streams([one_, other, third])).items()}
    assert versions == {one_: 2, other: 2, third: 0}


async def test_an_append_chained_on_a_failed_one_fails_at_any_version(log: EventLog) -> None:
    """Another writer took the first append's version, so the second was decided on an event that is not there."""
    stream = uuid4()
    await append_one(log, append_of(stream, 0))
    answers = await log.append([append_of(stream, 0), append_of(stream, 1), append_of(stream, 2)])
    assert [type(answer) for answer in answers] == [WrongExpectedVersion] * 3
    assert len((await log.load_streams([stream]))[stream]) == 1


async def test_a_resent_group_gets_the_same_reply(log: EventLog) -> None:
    """As after a connection that was lost before the answer arrived."""
    first, second = uuid4(), uuid4()
    await append_one(log, append_of(second, 0))
    group = [append_of(first, 0), append_of(first, 1), append_of(second, 0), read_only_append(first, 2)]
    answers = await log.append(group)
    again = await log.append(group)
    assert [str(answer) for answer in again[:3]] == [str(answer) for answer in answers[:3]]
    assert [type(answer) for answer in again] == [AppendResult, AppendResult, WrongExpectedVersion, AppendResult]
    assert len((await log.load_streams([first]))[first]) == 2


async def test_a_read_only_append_checks_its_versions(log: EventLog) -> None:
    stream = uuid4()
    position = await append_one(log, append_of(stream, 0))
    right, wrong = await log.append([read_only_append(stream, 1), read_only_append(stream, 0)])
    assert right == AppendResult(position)
    assert isinstance(wrong, WrongExpectedVersion)


async def test_an_append_that_the_database_rejects_fails_alone(log: EventLog, settings: Settings) -> None:
    good = append_of(uuid4(), 0)
    with connect(settings.migration_url) as owner:
        owner.execute("alter table log.events add check (topic <> 'TaskDescribed')")
    bad = append_of(uuid4(), 0, TaskDescribed(Change("a", "b")))
    answers = await log.append([good, bad, append_of(uuid4(), 0)])
    assert [type(answer) for answer in answers] == [AppendResult, psycopg.errors.CheckViolation, AppendResult]


async def test_a_connection_that_is_cut_loses_no_append(log: EventLog) -> None:
    """Every answer is definite: what was acknowledged is stored exactly once."""
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'taskledger api'"
    streams = [uuid4() for _ in range(60)]
    with connect(database_url_of(log)) as killer:
        writers = asyncio.gather(*(log.append([append_of(stream, 0)]) for stream in streams), return_exceptions=True)
        for _ in range(5):
            await asyncio.sleep(0)
            killer.execute(f"{cut} and datname = current_database()")
        answers = await writers
    found = await log.load_streams(streams)
    for stream, answer in zip(streams, answers, strict=True):
        if not isinstance(answer, BaseException):
            assert len(found[stream]) == 1


def read_only_append(stream: UUID, version: int) -> Append:
    return Append({stream: version}, [], ACTOR, uuid4(), None)


async def test_appends_chained_on_a_rejected_one_fail_too(log: EventLog, settings: Settings) -> None:
    stream, other = uuid4(), uuid4()
    with connect(settings.migration_url) as owner:
        owner.execute("alter table log.events add check (topic <> 'TaskDescribed')")
    bad = append_of(stream, 0, TaskDescribed(Change("a", "b")))
    answers = await log.append(
        [bad, append_of(stream, 1), append_of(other, 0, **{str(stream): 1}), append_of(uuid4(), 0)]
    )
    assert [type(answer) for answer in answers] == [
        psycopg.errors.CheckViolation,
        WrongExpectedVersion,
        WrongExpectedVersion,
        AppendResult,
    ]


async def test_every_event_carries_its_trace(log: EventLog) -> None:
    stream, trace = uuid4(), Trace(uuid4(), "b7ad6b7169203331")
    appended = append_of(stream, 0, *[TaskRenamed(Change("a", "b"))] * 2)
    await append_one(log, msgspec.structs.replace(appended, trace=trace))
    assert [recorded.trace for recorded in await log.load_stream(stream)] == [trace, trace]
    with connect(database_url_of(log)) as connection:
        row = connection.execute("select correlation_id, causation_id from log.event_log limit 1").fetchone()
    assert row == (trace.correlation_id, trace.causation_id)


async def test_each_idempotency_key_is_stored_with_its_outcome(log: EventLog) -> None:
    """A refused append is not stored: its outcome is None."""
    whole, first, second = (IdempotencyKey(name, name.encode()) for name in ("whole", "first", "second"))
    stream = uuid4()
    appended = append_of(stream, 0, *[TaskRenamed(Change("a", "b"))] * 2)
    appended = msgspec.structs.replace(appended, outcomes=[(whole, b"both"), (first, b"1")])
    accepted, refused, other = await log.append(
        [
            appended,
            msgspec.structs.replace(read_only_append(stream, 2), outcomes=[(second, None)]),
            append_of(uuid4(), 0),
        ]
    )
    assert isinstance(accepted, AppendResult)
    assert isinstance(refused, AppendResult)
    again = msgspec.structs.replace(append_of(uuid4(), 0), outcomes=[(second, b"2"), (first, b"x"), (whole, b"x")])
    fresh = msgspec.structs.replace(append_of(uuid4(), 0), outcomes=[(second, b"2")])
    replayed, accepted_now = await log.append([again, fresh])
    assert isinstance(replayed, IdempotentReplay)
    kept = [StoredOutcome("first", b"first", b"1", accepted.position, appended.workspace_id)]
    kept.append(StoredOutcome("whole", b"whole", b"both", accepted.position, appended.workspace_id))
    assert sorted(replayed.outcomes.values(), key=lambda one: one.text) == kept
    assert isinstance(accepted_now, AppendResult)
    assert accepted_now.position > other.position if isinstance(other, AppendResult) else False


async def test_idempotency_keys_are_per_actor(log: EventLog) -> None:
    key = IdempotencyKey("mine", b"")
    ours, theirs = (msgspec.structs.replace(append_of(uuid4(), 0), outcomes=[(key, b"")]) for _ in range(2))
    answers = await log.append([ours, msgspec.structs.replace(theirs, actor=Actor(uuid4()))])
    assert [type(answer) for answer in answers] == [AppendResult, AppendResult]


async def test_a_stream_is_read_from_one_version_to_another(log: EventLog) -> None:
    stream = uuid4()
    await append_one(log, append_of(stream, 0, *[TaskRenamed(Change("a", "b"))] * 5))
    assert [recorded.version for recorded in await log.load_stream(stream, 2, 4)] == [2, 3, 4]
    assert [recorded.version for recorded in await log.load_stream(stream, 4)] == [4, 5]
    assert await log.load_stream(stream, 6) == []


async def test_a_slice_of_the_log_is_exported_in_order(log: EventLog) -> None:
    appends = [
        append_of(uuid4(), 0),
        append_of(uuid4(), 0, TaskDescribed(Change("a", "b")), TaskRenamed(Change("a", "b"))),
    ]
    positions = [await append_one(log, appended) for appended in appends]
    with connect(database_url_of(log)) as connection:
        everything = reading.load_after(connection, 0, 10)
        assert list(reading.iter_events(connection, EventSelection())) == everything
        assert list(reading.iter_events(connection, EventSelection(after_position=positions[0]))) == everything[1:]
        assert (
            list(reading.iter_events(connection, EventSelection(workspace_id=appends[0].workspace_id)))
            == everything[:1]
        )
        assert list(reading.iter_events(connection, EventSelection(event_types=["TaskDescribed"]))) == everything[1:2]
        assert list(reading.iter_events(connection, EventSelection(event_types=[]))) == []


async def test_a_batch_of_long_texts_is_short(log: EventLog, settings: Settings) -> None:
    texts = [TaskDescribed(Change("", "x" * 50_000)) for _ in range(40)]
    first = await append_one(log, append_of(uuid4(), 0, *texts)) - len(texts)
    with connect(settings.database_url) as connection:
        batch = reading.load_after(connection, first, 4_000)
        rest = reading.load_after(connection, batch[-1].position, 4_000)
        assert len(reading.load_after(connection, first, 2)) == 2
    assert 5 < len(batch) < 20
    assert [one.position for one in (*batch, *rest)] == list(range(first + 1, rest[-1].position + 1))
