"""Snapshots: a long stream is decided on as fast as a short one, and a stale snapshot is never believed."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import msgspec
import pytest
from psycopg import sql
from psycopg.errors import CheckViolation

from commands.handling.decision import MAX_STREAM_EVENTS, CommandOn
from commands.handling.group import CommandRequest
from commands.handling.handler import CommandHandler
from commands.handling.lane import SNAPSHOT_INTERVAL_EVENTS
from commands.task import CompleteTask, RenameTask, ReopenTask
from domain import codec
from domain.errors import StreamIsFull
from domain.event import Change, State, fold
from domain.task import Task, TaskNumbers, TaskRenamed
from domain.user import TokenIssued, User
from infra.database.pool import connect, create_pool
from infra.log import EventLog, snapshots
from infra.settings import Settings
from tests.e2e.running import fact
from tests.examples import ADA, CREATED, TASK, Facts, id7, project, user, workspace
from tests.projections import oracle

LONG = 1_000


@pytest.fixture
async def log(settings: Settings) -> AsyncIterator[EventLog]:
    with connect(settings.migration_url) as owner:
        oracle.write(owner, [*user(), *workspace(), *project(), (TASK, CREATED), *renamed(2, LONG)])
    async with create_pool(settings.database_url) as connections:
        yield EventLog(settings.database_url, connections)


def renamed(first: int, last: int) -> Facts:
    return [(TASK, TaskRenamed(Change("a", f"title {version}"))) for version in range(first, last + 1)]


def read(settings: Settings) -> list[tuple[str, int]]:
    with connect(settings.migration_url) as owner:
        return owner.execute("select kind, version from read.snapshots where stream = %s", (TASK,)).fetchall()


async def test_what_is_known_of_a_long_stream_is_the_fold_of_it_before_and_after_a_snapshot(
    log: EventLog, settings: Settings
) -> None:
    whole = fold(Task, [recorded.event for recorded in await log.load_stream(TASK)])
    for _ in range(3):
        (known,) = await log.load_states([(TASK, Task)])
        assert (known.version, known.states) == (LONG, {Task: whole})
    await kept(settings, LONG)
    with connect(settings.migration_url) as owner:
        owner.execute("delete from log.events where originator_id = %s and originator_version < %s", (TASK, LONG))
    assert (await log.load_states([(TASK, Task)]))[0].states == {Task: whole}, (
        "the events before the snapshot were read"
    )


async def test_what_came_after_a_snapshot_is_folded_onto_it(log: EventLog) -> None:
    handling = CommandHandler(log)
    await log.load_states([(TASK, Task)])
    done = await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, id7(1)))
    (known,) = await log.load_states([(TASK, Task)])
    task = known.states[Task]
    assert isinstance(task, Task)
    assert known.version == done.results[0].version == LONG + 1
    assert (task.status, task.title) == ("done", f"title {LONG}")


async def test_a_snapshot_of_other_code_is_passed_over_and_written_anew(log: EventLog, settings: Settings) -> None:
    await log.load_states([(TASK, Task)])
    await kept(settings, LONG)
    with connect(settings.migration_url) as owner:
        owner.execute("""update read.snapshots set fingerprint = 'other', version = 5000, state = '{"nonsense": 1}'""")
    assert (await log.load_states([(TASK, Task)]))[0].version == LONG
    await kept(settings, LONG)


def test_the_fingerprint_is_of_the_state_and_of_what_folds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = snapshots.state_digest(Task)
    assert before != snapshots.state_digest(TaskNumbers) or Task.__module__ == TaskNumbers.__module__
    for changed in (Task.__module__, "domain.event", "domain.codec", "domain.upcasts"):
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


async def test_what_is_personal_is_never_kept(log: EventLog, settings: Settings) -> None:
    issued = [
        TokenIssued(id7(1_000 + at), "Nightly import", ("read",), "human") for at in range(SNAPSHOT_INTERVAL_EVENTS)
    ]
    with connect(settings.migration_url) as owner:
        oracle.write(owner, [(ADA.id, event) for event in issued])
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
async def test_the_database_takes_nothing_personal_from_older_code(kind: type[State], settings: Settings) -> None:
    with connect(settings.migration_url) as owner, pytest.raises(CheckViolation):
        owner.execute("insert into read.snapshots values (%s, %s, '', 1, %s, '{}')", (TASK, kind.__name__, TASK))


async def test_a_stream_that_grows_is_kept_by_the_lane(log: EventLog, settings: Settings) -> None:
    handling = CommandHandler(log)
    for version in range(LONG, LONG + SNAPSHOT_INTERVAL_EVENTS):
        kind = ReopenTask if version % 2 else CompleteTask
        await handling.handle(CommandRequest([CommandOn(TASK, kind())], ADA, id7(version)))
    await asyncio.to_thread(fact, lambda: read(settings) == [("Task", LONG + SNAPSHOT_INTERVAL_EVENTS)])


async def test_a_stream_has_an_end_and_says_so(log: EventLog, settings: Settings) -> None:
    full(settings, TASK, MAX_STREAM_EVENTS - 1)
    handling = CommandHandler(log)
    last = await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, id7(1)))
    assert last.results[0].version == MAX_STREAM_EVENTS
    with pytest.raises(StreamIsFull):
        await handling.handle(CommandRequest([CommandOn(TASK, ReopenTask())], ADA, id7(2)))
    again = await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, id7(3)))
    assert (again.has_changes, again.results[0].version) == (False, MAX_STREAM_EVENTS)
    rename = RenameTask(title="Once more", expected_version=MAX_STREAM_EVENTS)
    with pytest.raises(StreamIsFull):
        await handling.handle(CommandRequest([CommandOn(TASK, rename)], ADA, uuid4()))


def full(settings: Settings, stream: UUID, last: int, first: int = LONG + 1) -> None:
    """Let the stream be as long as that."""
    state = codec.encode(TaskRenamed(Change("a", "b")))
    copied = sql.SQL(
        """insert into log.events (originator_id, originator_version, topic, state, actor_id, workspace_id)
           select {stream}, version, 'TaskRenamed', {state}, {stream}, null
           from generate_series({first}, {last}) as version"""
    ).format(stream=stream, state=state, first=first, last=last)
    with connect(settings.migration_url) as owner:
        owner.execute(copied)
    assert msgspec.json.decode(state)["type"] == "TaskRenamed"


async def kept(settings: Settings, version: int) -> None:
    """Snapshots are written while others go on."""
    await asyncio.to_thread(fact, lambda: read(settings) == [("Task", version)])


async def test_a_snapshot_of_what_the_log_no_longer_holds_is_passed_over(log: EventLog, settings: Settings) -> None:
    """The log was restored to an earlier day, and then went another way."""
    await log.load_states([(TASK, Task)])
    await kept(settings, LONG)
    with connect(settings.migration_url) as owner:
        owner.execute("delete from log.events where originator_id = %s and originator_version > 500", (TASK,))
    handling = CommandHandler(log)
    done = await handling.handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, id7(1)))
    assert done.results[0].version == 501
    full(settings, TASK, 600, first=502)
    (known,) = await log.load_states([(TASK, Task)])
    assert known.version == 600
    await kept(settings, 500)
    full(settings, TASK, LONG + 10, first=601)
    (known,) = await log.load_states([(TASK, Task)])
    task = known.states[Task]
    assert isinstance(task, Task)
    assert (known.version, task.status, task.title) == (LONG + 10, "done", "b")


async def test_a_snapshot_that_does_not_decode_is_passed_over(log: EventLog, settings: Settings) -> None:
    await log.load_states([(TASK, Task)])
    await kept(settings, LONG)
    with connect(settings.migration_url) as owner:
        owner.execute("""update read.snapshots set state = '{"nonsense": 1}'""")
    (known,) = await log.load_states([(TASK, Task)])
    assert known.version == LONG
    await kept(settings, LONG)


async def test_where_no_snapshot_can_be_written_commands_are_still_carried_out(
    log: EventLog, settings: Settings
) -> None:
    with connect(settings.migration_url) as owner:
        owner.execute("alter table read.snapshots add check (version < 0)")
    assert (
        await CommandHandler(log).handle(CommandRequest([CommandOn(TASK, CompleteTask())], ADA, id7(1)))
    ).has_changes
