"""The engine on a real PostgreSQL: whatever the batches, the crashes and the rivals, rows equal the fold of the log."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from commands.decision import Wish
from domain.errors import Refusal
from domain.event import Recorded
from infra import log
from infra.postgres import connect
from infra.settings import Settings
from projections import engine, task_list
from projections.projection import Projection, every
from tests.examples import CREATED, RENAMED, TASK, Facts, project, user, workspace
from tests.given import Past
from tests.projections import oracle
from tests.servers import Servers
from tests.strategies import walks

Database = Connection[TupleRow]


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    with connect(settings.database_url) as connection:
        yield connection


@pytest.fixture
def rival(settings: Settings) -> Iterator[Database]:
    with connect(settings.database_url) as connection:
        yield connection


@pytest.fixture
def owner(settings: Settings) -> Iterator[Database]:
    with connect(settings.migration_url) as connection:
        yield connection


@pytest.fixture(autouse=True)
def _ours(servers: Servers, settings: Settings) -> None:
    """Tests here truncate the log: only in a database that this run can prove is its own."""
    servers.prove(settings.migration_url)


@tuned(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(walk=walks, cut=st.integers(1, 7), halfway=st.integers(0, 20))
def test_any_history_in_any_batches_folds_to_the_same_rows(
    database: Database, owner: Database, walk: list[Wish], cut: int, halfway: int
) -> None:
    anew(owner)
    facts = lived(walk)
    oracle.write(database, facts)
    oracle.catch_up(database, cut)
    assert oracle.is_right(database)
    for projection in every().values():
        engine.rebuild(database, projection, lambda at, after, _: log.after(at, after, halfway + 1))
    assert oracle.is_right(database)


def test_a_batch_that_breaks_off_changes_nothing(database: Database) -> None:
    assert survives_a_crash(database)


def test_a_checkpoint_in_another_transaction_is_noticed(
    database: Database, rival: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect: the checkpoint commits by itself, and the rows of a broken batch are lost."""
    take = engine._take  # noqa: SLF001 - the defect is planted inside
    monkeypatch.setattr(engine, "_take", lambda _, name, start, end: take(rival, name, start, end))
    assert not survives_a_crash(database)


def test_a_worker_that_wakes_up_late_writes_nothing(database: Database, rival: Database) -> None:
    oracle.write(database, [*workspace(), *project(), (TASK, CREATED)])

    def slow(connection: Database, position: int, limit: int) -> Sequence[Recorded]:
        batch = log.after(connection, position, limit)
        oracle.catch_up(rival)
        return batch

    assert engine.advance(database, task_list.projection, slow) is None
    assert log.head(database) == engine.checkpoint(database, task_list.projection.name)
    assert generation(database) == 1
    assert oracle.is_right(database)


def test_a_worker_that_was_overtaken_goes_on_with_what_came_since(database: Database, rival: Database) -> None:
    """Its rival was told of one event, and it of the next: nobody else will fold that one."""
    oracle.write(database, workspace())
    readings = 0

    def overtaken(connection: Database, position: int, limit: int) -> Sequence[Recorded]:
        nonlocal readings
        readings += 1
        batch = log.after(connection, position, limit)
        if readings == 1:
            oracle.catch_up(rival)
            oracle.write(rival, [*project(), (TASK, CREATED)])
        return batch

    assert engine.advance(database, task_list.projection, overtaken)
    assert engine.checkpoint(database, task_list.projection.name) == log.head(database)


def test_a_checkpoint_that_somebody_holds_is_not_waited_for(database: Database, rival: Database) -> None:
    oracle.write(database, [*workspace(), *project(), (TASK, CREATED)])
    with rival.transaction():
        rival.execute("select from read.checkpoints where projection = 'task_list' for update")
        database.execute("set lock_timeout = '5s'")
        assert engine.advance(database, task_list.projection, log.after) is None
    assert engine.advance(database, task_list.projection, log.after)


def test_a_rebuild_shows_the_old_rows_until_it_is_done(database: Database, rival: Database) -> None:
    oracle.write(database, [*workspace(), *project(), (TASK, CREATED), (TASK, RENAMED)])
    oracle.catch_up(database)
    seen: list[oracle.Rows] = []

    def watched(connection: Database, position: int, _: int) -> Sequence[Recorded]:
        seen.append(oracle.shown(rival, task_list.projection))
        return log.after(connection, position, 2)

    before = oracle.shown(rival, task_list.projection)
    engine.rebuild(database, task_list.projection, watched)
    assert len(seen) > 2
    assert all(rows == before for rows in seen)
    assert oracle.is_right(database)


def test_a_rebuild_mends_rows_that_somebody_spoilt(database: Database) -> None:
    oracle.write(database, [*workspace(), *project(), (TASK, CREATED)])
    oracle.catch_up(database)
    was = generation(database)
    database.execute("update read.task_list set title = 'spoilt'")
    assert not oracle.is_right(database)
    engine.rebuild(database, task_list.projection, log.after)
    assert oracle.is_right(database)
    assert generation(database) > was


def test_each_change_gives_its_scopes_a_new_generation(database: Database) -> None:
    oracle.write(database, [*workspace(), *project(), (TASK, CREATED)])
    first = engine.advance(database, task_list.projection, log.after)
    assert first
    assert first.generations == {TASK: 1, CREATED.project_id: 1}
    oracle.write(database, user())
    second = engine.advance(database, task_list.projection, log.after)
    assert second
    assert second.position > first.position
    assert second.generations == {}


def survives_a_crash(database: Database) -> bool:
    """Break off in the middle of a batch, go on, and compare with the naive fold."""
    oracle.write(database, [*workspace(), *project(), (TASK, CREATED), (TASK, RENAMED)])
    with pytest.raises(ZeroDivisionError):
        engine.advance(database, broken(task_list.projection), log.after)
    assert generation(database) == 0
    oracle.catch_up(database)
    return oracle.is_right(database)


def broken(projection: Projection[Any]) -> Projection[Any]:
    """The same projection, failing on the last event after it has written some."""

    def scopes(_: Any) -> list[Any]:
        raise ZeroDivisionError

    return Projection(projection.name, 1, projection.row, projection.table, projection.keys, projection.fold, scopes)


def generation(database: Database) -> int:
    row = database.execute("select generation from read.generations where scope = %s", (TASK,)).fetchone()
    return int(row[0]) if row else 0


def lived(walk: list[Wish]) -> Facts:
    """The facts that come of these wishes, made one after the other."""
    past = Past([*workspace(), *project()])
    for wish in walk:
        try:
            version = past.version(wish.target)
            past.add(past.decide(named(wish, version)).written)
        except Refusal:
            continue
    return past.facts


def named(wish: Wish, version: int) -> Wish:
    """The wish, with the version that it is made on where it must name one."""

    if not wish.command.must_name_version:
        return wish
    return Wish(wish.target, msgspec.structs.replace(wish.command, expected_version=version))


def anew(owner: Database) -> None:
    """Forget everything: the database is this test's own, made for it a moment ago."""
    owner.execute("truncate log.events, read.task_list, read.project_list, read.workspace_list, read.generations")
    owner.execute("alter sequence log.events_notification_id_seq restart")
    owner.execute("update read.checkpoints set position = 0")
