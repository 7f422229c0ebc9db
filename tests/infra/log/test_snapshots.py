"""Snapshots: a long stream loads as fast as a short one, and a stale snapshot is never used."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import msgspec
import pytest
from psycopg import sql
from psycopg.errors import CheckViolation

from commands.handling.command_on import CommandOn
from commands.handling.decision import MAX_STREAM_EVENTS
from commands.handling.handler import CommandHandler
from commands.handling.lane import SNAPSHOT_INTERVAL_EVENTS
from commands.handling.request import CommandRequest
from commands.task import CompleteTask, RenameTask, ReopenTask
from domain import codec
from domain.errors import StreamIsFull
from domain.event import Change, State, fold
from domain.task import Task, TaskNumbers, TaskRenamed
from domain.user import TokenIssued, User
from infra.database.connections import connect
from infra.database.pool import create_pool
from infra.log import snapshots
from infra.log.event_log import EventLog
from infra.settings import Settings
from tests.e2e.running_instance import poll_until
from tests.examples import ADA, CREATED, TASK, Facts, fixed_uuid7, project, user, workspace
from tests.projections import oracle

LONG_STREAM_EVENTS = 1_000


@pytest.fixture
async def log(settings: Settings) -> AsyncIterator[EventLog]:
    with connect(settings.migration_url) as owner:
        oracle.append_facts(
            owner, [*user(), *workspace(), *project(), (TASK, CREATED), *rename_events(2, LONG_STREAM_EVENTS)]
        )
    async with create_pool(settings.database_url) as connections:
        yield EventLog(settings.database_url, connections)


def rename_events(first: int, last: int) -> Facts:
    return [(TASK, TaskRenamed(Change("a", f"title {version}"))) for version in range(first, last + 1)]


def read_snapshots(settings: Settings) -> list[tuple[str, int]]:
    with connect(settings.migration_url) as owner:
        return owner.execute("select kind, version from read.snapshots where stream = %s", (TASK,)).fetchall()


async def test_a_long_stream_loads_as_its_fold_before_and_after_a_snapshot(log: EventLog, settings: Settings) -> None:
    whole = fold(Task, [recorded.event for recorded in await log.load_stream(TASK)])
    for _ in range(3):
        (known,) = await log.load_states([(TASK, Task)])
        assert (known.version, known.states) == (LONG_STREAM_EVENTS, {Task: whole})
    await wait_for_snapshot(settings, LONG_STREAM_EVENTS)
    with connect(settings.migration_url) as owner:
        owner.execute(
            "delete from log.events where originator_id = %s and originator_version < %s", (TASK, LONG_STREAM_EVENTS)
        )
    assert (await log.load_states([(TASK, Task)]))[0].states == {Task: whole}, (
        "the events before the snapshot were read"
    )


async def test_events_after_a_snapshot_are_folded_onto_it(log: EventLog) -> None:
    handling = CommandHandler(log)
    await log.load_states([(TASK, Task)])
    done = await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, fixed_uuid7(1)))
    (known,) = await log.load_states([(TASK, Task)])
    task = known.states[Task]
    assert isinstance(task, Task)
    assert known.version == done.results[0].version == LONG_STREAM_EVENTS + 1
    assert (task.status, task.title) == ("done", f"title {LONG_STREAM_EVENTS}")


async def test_a_snapshot_of_other_code_is_ignored_and_rewritten(log: EventLog, settings: Settings) -> None:
    await log.load_states([(TASK, Task)])
    await wait_for_snapshot(settings, LONG_STREAM_EVENTS)
    with connect(settings.migration_url) as owner:
        owner.execute("""update read.snapshots set fingerprint = 'other', version = 5000, state = '{"nonsense": 1}'""")
    assert (await log.load_states([(TASK, Task)]))[0].version == LONG_STREAM_EVENTS
    await wait_for_snapshot(settings, LONG_STREAM_EVENTS)


def test_the_fingerprint_covers_the_state_and_its_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    before = snapshots.state_digest(Task)
    assert before != snapshots.state_digest(TaskNumbers)
    parts = ("domain.task.lifecycle", "domain.event", "domain.codec", "domain.upcasts", "domain.recurrence")
    for changed in (Task.__module__, *parts):
        source = inspect.getsource
        monkeypatch.setattr(
            inspect,
            "getsource",
            lambda module, changed=changed, source=source: source(module) + "# " * (module.__name__ == changed),
        )
        snapshots.state_digest.cache_clear()
        assert snapshots.state_digest(Task) != before
        monkeypatch.undo()
    snapshots.state_digest.cache_clear()


async def test_personal_states_are_never_snapshotted(log: EventLog, settings: Settings) -> None:
    issued = [
        TokenIssued(fixed_uuid7(1_000 + at), "Nightly import", ("read",), "human")
        for at in range(SNAPSHOT_INTERVAL_EVENTS)
    ]
    with connect(settings.migration_url) as owner:
        oracle.append_facts(owner, [(ADA.id, event) for event in issued])
    async with create_pool(settings.database_url) as connections, connections.connection() as connection:
        task, ada = await snapshots.load(connection, [(TASK, Task), (ADA.id, User)])
        assert isinstance(ada.stream_state.states[User], User)
        assert (ada.stream_state.version, task.snapshot_command_id is None, ada.snapshot_command_id) == (
            SNAPSHOT_INTERVAL_EVENTS + 1,
            False,
            None,
        )
        for stream, known in ((TASK, task.stream_state), (ADA.id, ada.stream_state)):
            await snapshots.save(connection, stream, known, (await log.load_stream(stream))[-1].command_id)
    with connect(settings.migration_url) as owner:
        assert owner.execute("select kind from read.snapshots").fetchall() == [("Task",)]


@pytest.mark.parametrize("kind", [kind for kind in State.__subclasses__() if kind.is_personal])
async def test_the_database_rejects_personal_snapshots_of_older_code(kind: type[State], settings: Settings) -> None:
    with connect(settings.migration_url) as owner, pytest.raises(CheckViolation):
        owner.execute("insert into read.snapshots values (%s, %s, '', 1, %s, '{}')", (TASK, kind.__name__, TASK))


async def test_the_lane_snapshots_a_growing_stream(log: EventLog, settings: Settings) -> None:
    handling = CommandHandler(log)
    for version in range(LONG_STREAM_EVENTS, LONG_STREAM_EVENTS + SNAPSHOT_INTERVAL_EVENTS):
        kind = ReopenTask if version % 2 else CompleteTask
        await handling.handle(CommandRequest([CommandOn(TASK, kind())], ADA, fixed_uuid7(version)))
    await asyncio.to_thread(
        poll_until, lambda: read_snapshots(settings) == [("Task", LONG_STREAM_EVENTS + SNAPSHOT_INTERVAL_EVENTS)]
    )


async def test_a_full_stream_refuses_more_events(log: EventLog, settings: Settings) -> None:
    fill_stream(settings, TASK, MAX_STREAM_EVENTS - 1)
    handling = CommandHandler(log)
    last = await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, fixed_uuid7(1)))
    assert last.results[0].version == MAX_STREAM_EVENTS
    with pytest.raises(StreamIsFull):
        await handling.handle(CommandRequest([CommandOn(TASK, ReopenTask())], ADA, fixed_uuid7(2)))
    again = await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, fixed_uuid7(3)))
    assert (again.has_changes, again.results[0].version) == (False, MAX_STREAM_EVENTS)
    rename = RenameTask(title="Once more", expected_version=MAX_STREAM_EVENTS)
    with pytest.raises(StreamIsFull):
        await handling.handle(CommandRequest([CommandOn(TASK, rename)], ADA, uuid4()))


def fill_stream(settings: Settings, stream: UUID, last: int, first: int = LONG_STREAM_EVENTS + 1) -> None:
    """Extend the stream to this length."""
    state = codec.encode(TaskRenamed(Change("a", "b")))
    copied = sql.SQL(
        """insert into log.events (originator_id, originator_version, topic, state, actor_id, workspace_id)
           select {stream}, version, 'TaskRenamed', {state}, {stream}, null
           from generate_series({first}, {last}) as version"""
    ).format(stream=stream, state=state, first=first, last=last)
    with connect(settings.migration_url) as owner:
        owner.execute(copied)
    assert msgspec.json.decode(state)["type"] == "TaskRenamed"


async def wait_for_snapshot(settings: Settings, version: int) -> None:
    """Snapshots are written while commands continue."""
    await asyncio.to_thread(poll_until, lambda: read_snapshots(settings) == [("Task", version)])


async def test_a_snapshot_ahead_of_the_log_is_ignored(log: EventLog, settings: Settings) -> None:
    """The log was restored from an old backup, and then other events were appended."""
    await log.load_states([(TASK, Task)])
    await wait_for_snapshot(settings, LONG_STREAM_EVENTS)
    with connect(settings.migration_url) as owner:
        owner.execute("delete from log.events where originator_id = %s and originator_version > 500", (TASK,))
    handling = CommandHandler(log)
    done = await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, fixed_uuid7(1)))
    assert done.results[0].version == 501
    fill_stream(settings, TASK, 600, first=502)
    (known,) = await log.load_states([(TASK, Task)])
    assert known.version == 600
    await wait_for_snapshot(settings, 500)
    fill_stream(settings, TASK, LONG_STREAM_EVENTS + 10, first=601)
    (known,) = await log.load_states([(TASK, Task)])
    task = known.states[Task]
    assert isinstance(task, Task)
    assert (known.version, task.status, task.title) == (LONG_STREAM_EVENTS + 10, "done", "b")


async def test_a_snapshot_that_does_not_decode_is_passed_over(log: EventLog, settings: Settings) -> None:
    await log.load_states([(TASK, Task)])
    await wait_for_snapshot(settings, LONG_STREAM_EVENTS)
    with connect(settings.migration_url) as owner:
        owner.execute("""update read.snapshots set state = '{"nonsense": 1}'""")
    (known,) = await log.load_states([(TASK, Task)])
    assert known.version == LONG_STREAM_EVENTS
    await wait_for_snapshot(settings, LONG_STREAM_EVENTS)


async def test_where_no_snapshot_can_be_written_commands_are_still_carried_out(
    log: EventLog, settings: Settings
) -> None:
    with connect(settings.migration_url) as owner:
        owner.execute("alter table read.snapshots add check (version < 0)")
    assert (
        await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, fixed_uuid7(1)))
    ).has_changes
