"""The engine on a real PostgreSQL: with any batches, crashes and rival workers, rows equal the fold of the log."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from commands.handling.command_on import CommandOn
from domain.errors import Refusal
from domain.event import RecordedEvent
from infra import log
from infra.database.connections import connect, connect_for_folding, connect_for_worker
from infra.schema import migrate
from infra.settings import Settings
from projections import task_list
from projections.engine import advance, builds, cache_generations
from projections.engine import folding as engine
from projections.engine.advance import BatchReport, ProjectionStuck
from projections.engine.builds import Build
from projections.engine.connection import SyncConnection
from projections.engine.pipeline import Pipeline
from projections.projection import all_projections
from tests.e2e.running_instance import poll_until
from tests.examples import CREATED, RENAMED, TASK, Facts, project, user, workspace
from tests.given import EventHistory
from tests.planted_defects import assert_check_fails
from tests.projections import oracle
from tests.projections.broken_folds import broken_fold
from tests.strategies import command_sequences

pytestmark = pytest.mark.slow


@tuned(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    walk=command_sequences,
    cut=st.integers(1, 7),
    partitions=st.integers(1, 5),
    crash=st.integers(0, 12),
    is_backlog=st.booleans(),
    draw=st.data(),
)
def test_rows_equal_the_fold_for_any_batches_partitions_and_crashes(  # noqa: PLR0913, PLR0917
    database: SyncConnection,
    other_connection: SyncConnection,
    owner: SyncConnection,
    settings: Settings,
    walk: list[CommandOn],
    cut: int,
    partitions: int,
    crash: int,
    is_backlog: bool,  # noqa: FBT001
    draw: st.DataObject,
) -> None:
    reset_database(owner, database)
    oracle.append_facts(database, facts_of(walk))
    for build in builds.serving_builds(database).values():
        advance.repartition(database, build, log.load_after, partitions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("projections.engine.cache_generations.bump", failing_after(crash))
        if is_backlog:
            patch.setattr(advance, "MAX_PIPELINED_EVENTS", 0)
        for _ in range(crash + 1):
            try:
                oracle.catch_up(database, cut, partitions, other_connection)
            except ProjectionStuck:
                continue
    oracle.catch_up(database, cut, partitions)
    assert oracle.matches_log(database)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("infra.rebuilding.fold_pool.EVENTS_PER_PART", draw.draw(st.integers(1, 9)))  # events of a part
        name = draw.draw(st.sampled_from(sorted(all_projections())))
        assert oracle.rebuild_inline(settings.database_url, name).compared
    assert oracle.matches_log(database)


def test_an_aborted_batch_changes_nothing(database: SyncConnection) -> None:
    assert survives_a_crash(database)


def test_a_checkpoint_in_another_transaction_is_noticed(
    database: SyncConnection, other_connection: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect: the checkpoint commits on its own, and the rows of an aborted batch are lost."""
    take = advance._fold_transaction  # noqa: SLF001 - the defect is planted inside

    def early(connection: SyncConnection, works: Any, batch: Any, save: Any) -> BatchReport | None:
        end = batch.events[-1].position
        try:
            return take(connection, works, batch, save)
        finally:
            other_connection.execute("update read.checkpoints set position = greatest(position, %s)", (end,))

    monkeypatch.setattr(advance, "_fold_transaction", early)
    assert not survives_a_crash(database)


def test_a_late_worker_writes_nothing(database: SyncConnection, other_connection: SyncConnection) -> None:
    assert not a_late_worker_writes(database, other_connection)


def test_a_worker_that_does_not_recheck_the_checkpoint_is_noticed(
    database: SyncConnection, other_connection: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect: the worker advances the checkpoint from any position."""
    careless = advance._ADVANCE_CHECKPOINTS.replace(b"and position = $6", b"and position >= $6")  # noqa: SLF001 - as above
    monkeypatch.setattr(advance, "_ADVANCE_CHECKPOINTS", careless)
    assert a_late_worker_writes(database, other_connection)


def a_late_worker_writes(database: SyncConnection, rival: SyncConnection) -> bool:
    """Whether a worker suspended between reading and folding writes after others folded its batch."""
    oracle.append_facts(database, [*workspace(), *project(), (TASK, CREATED)])

    def slow(connection: SyncConnection | Pipeline, position: int, limit: int) -> Sequence[RecordedEvent]:
        batch = log.load_after(connection, position, limit)
        oracle.catch_up(rival)
        return batch

    done = list(advance.advance(database, 0, slow, 1_000))
    assert oracle.checkpoint_position(database, "task_list") == log.head(database)
    assert oracle.matches_log(database) or done
    return bool(done)


def a_stalled_worker_is_replaced(
    settings: Settings, rival: SyncConnection, opened: Callable[[str], SyncConnection]
) -> None:
    """A worker is suspended in a fold, with its checkpoints locked: others continue, and it writes nothing later."""
    oracle.append_facts(rival, [*workspace(), *project(), (TASK, CREATED), (TASK, RENAMED)])
    is_stopped, is_over = Event(), Event()

    def stopping(document: Any, _: RecordedEvent) -> Any:
        if not is_stopped.is_set():
            is_stopped.set()
            is_over.wait(20)
        return document

    def others() -> bool:
        oracle.catch_up(rival)
        return {oracle.checkpoint_position(rival, name) for name in all_projections()} == {log.head(rival)}

    with (
        broken_fold("task_list", stopping, RENAMED),
        opened(settings.database_url) as late,
        ThreadPoolExecutor(1) as threads,
    ):
        work = threads.submit(lambda: list(advance.advance(late, 0, log.load_after, 1_000)))
        assert is_stopped.wait(5)
        try:
            poll_until(others, timeout_s=3)
        finally:
            is_over.set()
        with pytest.raises(psycopg.Error):
            work.result()
    assert oracle.matches_log(rival)


@pytest.mark.parametrize("bulk", [0, 500], ids=["copied", "written"])
@pytest.mark.parametrize(
    "opened", [connect_for_worker, partial(connect_for_folding, application_name="test")], ids=["worker", "rebuild"]
)
def test_a_worker_stalled_in_a_batch_is_replaced(
    settings: Settings, other_connection: SyncConnection, monkeypatch: pytest.MonkeyPatch, bulk: int, opened: Any
) -> None:
    monkeypatch.setattr(advance, "MAX_PIPELINED_EVENTS", bulk)
    monkeypatch.setattr("infra.database.connections.STALL_TIMEOUT_S", 0.2)
    a_stalled_worker_is_replaced(settings, other_connection, opened)


def test_waiting_for_a_stalled_worker_is_noticed(settings: Settings, other_connection: SyncConnection) -> None:
    assert_check_fails(lambda: a_stalled_worker_is_replaced(settings, other_connection, connect))


def test_a_batch_that_folds_between_its_statements_is_noticed(
    settings: Settings, other_connection: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect: one projection's writes are in progress while the next one is folded."""
    monkeypatch.setattr("infra.database.connections.STALL_TIMEOUT_S", 0.2)
    fold = engine.fold_documents

    def under_way(*arguments: Any) -> Any:
        with late[0].pipeline():
            late[0].execute("select")
            return fold(*arguments)

    late = list[SyncConnection]()

    def opened(url: str) -> SyncConnection:
        late.append(connect_for_folding(url, "test"))
        return late[0]

    monkeypatch.setattr(engine, "fold_documents", under_way)
    assert_check_fails(lambda: a_stalled_worker_is_replaced(settings, other_connection, opened))


@pytest.fixture
def backlog(database: SyncConnection, monkeypatch: pytest.MonkeyPatch) -> SyncConnection:
    """A connection to a database whose batches are all large enough to be folded side by side."""
    monkeypatch.setattr(advance, "MAX_PIPELINED_EVENTS", 0)
    oracle.append_facts(database, [*workspace(), *project(), (TASK, CREATED), (TASK, RENAMED)])
    return database


def two_builds_are_folded_at_once(first: SyncConnection, second: SyncConnection | None) -> None:
    """Each of two folds waits for the other to begin."""
    both = Barrier(2, timeout=2)

    def meet(document: Any, _: RecordedEvent) -> Any:
        both.wait()
        return document

    with broken_fold("task_list", meet, RENAMED), broken_fold("task_search", meet, RENAMED):
        oracle.catch_up(first, second=second)
        assert not oracle.parked_documents(first, "task_list")
    assert oracle.matches_log(first)


def test_a_backlog_is_folded_on_two_connections_at_once(
    backlog: SyncConnection, other_connection: SyncConnection
) -> None:
    two_builds_are_folded_at_once(backlog, other_connection)


def test_a_backlog_on_one_connection_is_noticed(backlog: SyncConnection) -> None:
    assert_check_fails(lambda: two_builds_are_folded_at_once(backlog, None))


def test_a_few_events_are_folded_in_one_transaction(database: SyncConnection) -> None:
    oracle.append_facts(database, [*workspace(), *project(), (TASK, CREATED)])

    def never() -> SyncConnection:
        raise AssertionError

    (report,) = advance.advance(database, 0, log.load_after, 1_000, never)
    assert set(report.projections) == all_projections().keys()


def test_a_lost_connection_stops_no_build_of_the_other(backlog: SyncConnection, settings: Settings) -> None:
    lost, reports = connect(settings.database_url), list[BatchReport]()
    lost.close()
    with pytest.raises(psycopg.OperationalError):
        reports.extend(advance.advance(backlog, 0, log.load_after, 1_000, lambda: lost))
    assert len([name for report in reports for name in report.projections]) == len(all_projections()) - 1
    oracle.catch_up(backlog)
    assert oracle.matches_log(backlog)


def test_a_failing_projection_blocks_no_other_in_a_backlog(
    backlog: SyncConnection, other_connection: SyncConnection
) -> None:
    backlog.execute(b"drop table " + oracle.serving_build(backlog, "activity").table_name.as_bytes(backlog))
    with pytest.raises(ProjectionStuck, match="activity after 0: UndefinedTable"):
        oracle.catch_up(backlog, second=other_connection)
    for name in all_projections().keys() - {"activity"}:
        assert oracle.checkpoint_position(backlog, name) == log.head(backlog)


def test_a_locked_checkpoint_is_skipped(database: SyncConnection, other_connection: SyncConnection) -> None:
    oracle.append_facts(database, [*workspace(), *project(), (TASK, CREATED)])
    with other_connection.transaction():
        builds.lock_checkpoints(other_connection, oracle.serving_build(other_connection, "task_list"))
        database.execute("set lock_timeout = '5s'")
        (others,) = advance.advance(database, 0, log.load_after, 1_000)
        assert set(others.projections) == all_projections().keys() - {"task_list"}
    (itself,) = advance.advance(database, 0, log.load_after, 1_000)
    assert itself.projections == ["task_list"]
    assert oracle.matches_log(database)


def test_a_failing_projection_blocks_no_other(database: SyncConnection) -> None:
    oracle.append_facts(database, [*workspace(), *project(), (TASK, CREATED)])
    database.execute(b"drop table " + oracle.serving_build(database, "activity").table_name.as_bytes(database))
    done: list[BatchReport] = []
    with pytest.raises(ProjectionStuck, match="activity after 0: UndefinedTable"):
        done.extend(advance.advance(database, 0, log.load_after, 1_000))
    for name in all_projections().keys() - {"activity"}:
        assert oracle.checkpoint_position(database, name) == log.head(database)
    assert oracle.checkpoint_position(database, "activity") == 0


def test_a_projection_whose_keys_fail_is_stuck_alone(database: SyncConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle.append_facts(database, [*workspace(), *project(), (TASK, CREATED)])

    def keys(_: RecordedEvent) -> list[UUID]:
        raise ZeroDivisionError("no keys")

    monkeypatch.setattr("tests.projections.engine.test_advance.all_projections", all_projections)
    spoilt = msgspec.structs.replace(all_projections()["activity"], keys=keys)
    monkeypatch.setattr("projections.engine.builds.all_projections", lambda: {**all_projections(), "activity": spoilt})
    with pytest.raises(ProjectionStuck, match="no keys"):
        list(advance.advance(database, 0, log.load_after, 1_000))
    assert oracle.checkpoint_position(database, "task_list") == log.head(database)


def test_a_lagging_projection_catches_up_and_rejoins(database: SyncConnection) -> None:
    oracle.append_facts(database, [*workspace(), *project(), (TASK, CREATED)])
    with database.transaction():
        oracle.catch_up(database)
    behind = oracle.serving_build(database, "task_list")
    database.execute(b"delete from " + behind.table_name.as_bytes(database))
    database.execute("update read.checkpoints set position = 0 where build = %s", (behind.number,))
    (alone,) = advance.advance(database, 0, log.load_after, 1_000)
    assert alone.projections == ["task_list"]
    oracle.append_facts(database, user())
    (together,) = advance.advance(database, 0, log.load_after, 1_000)
    assert set(together.projections) == all_projections().keys()


def test_each_change_gives_its_scopes_a_new_generation(database: SyncConnection) -> None:
    oracle.append_facts(database, [*workspace(), *project(), (TASK, CREATED)])
    (first,) = advance.advance(database, 0, log.load_after, 1_000)
    assert first.generations["task_list"].keys() == {TASK, CREATED.project_id, CREATED.workspace_id}
    oracle.append_facts(database, user())
    (second,) = advance.advance(database, 0, log.load_after, 1_000)
    assert second.position > first.position
    assert second.generations["task_list"] == {}


def test_generations_are_never_reused(database: SyncConnection) -> None:
    """A crash can lose the last commits of a projection: refolded rows get new generations."""
    build = oracle.serving_build(database, "task_list")
    seen = set[int]()
    for _ in range(3):
        with database.transaction(force_rollback=True):
            seen.add(bumped(database, build, {TASK})[TASK])
    assert len(seen) == 3


def test_many_scopes_share_one_generation(database: SyncConnection) -> None:
    build = oracle.serving_build(database, "task_list")
    scopes = {UUID(int=number) for number in range(1, cache_generations.MAX_BUMPED_SCOPES + 2)}
    assert bumped(database, build, scopes).keys() == {builds.WHOLE_BUILD_SCOPE}


def bumped(database: SyncConnection, build: Build, scopes: set[UUID]) -> dict[UUID, int]:
    """The new generations of the scopes."""
    rows = cache_generations.bump(pipeline := Pipeline(database), {build: scopes})
    pipeline.sync()
    return cache_generations.by_projection({build: scopes}, rows)[build.projection.name]


def survives_a_crash(database: SyncConnection) -> bool:
    """Abort a batch in the middle, continue, and compare with the naive fold."""
    oracle.append_facts(database, [*workspace(), *project(), (TASK, CREATED), (TASK, RENAMED)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("projections.engine.cache_generations.bump", failing_after(1))
        with pytest.raises(ProjectionStuck):
            oracle.catch_up(database)
    assert not oracle.serving_rows(database, task_list.projection)
    oracle.catch_up(database)
    return oracle.matches_log(database)


def failing_after(count: int) -> Any:
    """Makes the last write of a batch fail `count` times, after all others."""
    left, age = [2 * len(all_projections()) * count], cache_generations.bump

    def failing(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise ZeroDivisionError
        return age(*arguments)

    return failing


def facts_of(commands: list[CommandOn]) -> Facts:
    """The facts that these commands write, handled in turn."""
    past = EventHistory([*workspace(), *project()])
    for command_on in commands:
        try:
            version = past.version(command_on.target)
            past.append(past.decide(with_version(command_on, version)).new_events)
        except Refusal:
            continue
    return past.facts


def with_version(command_on: CommandOn, version: int) -> CommandOn:
    """The command, with an expected version if it requires one."""

    if not command_on.command.requires_version:
        return command_on
    return CommandOn(command_on.target, msgspec.structs.replace(command_on.command, expected_version=version))


def reset_database(owner: SyncConnection, application: SyncConnection) -> None:
    """Delete all data; the database belongs to this test alone."""
    owner.execute("truncate log.events, read.serving, read.builds, read.checkpoints, read.generations, read.parked")
    owner.execute("alter sequence log.events_notification_id_seq restart")
    for projection in all_projections().values():
        migrate._create_empty_build(application, projection)  # noqa: SLF001 - as in an empty log
