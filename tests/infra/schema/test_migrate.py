"""Migrations: missing ones are applied once, and a check names those that a database lacks."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from msgspec.structs import replace
from psycopg.sql import SQL, Identifier

from domain.comment import CommentAdded, CommentDeleted, CommentEdited
from domain.event import Change
from domain.time_entry import TimeEntryAdded, TimeEntryEdited
from infra import log
from infra.database.connections import connect
from infra.schema.migrate import MIGRATION_LOCK_ID, migrate
from infra.schema.pending import MIGRATIONS_DIR, fetch_pending_migrations
from projections import project_list
from projections.engine import builds, table
from projections.projection import all_projections
from tests.examples import (
    ADA,
    CAT,
    COMMENT_ADDED,
    COMMENT_DELETED,
    COMMENT_EDITED,
    TASK,
    TIME_EDITED,
    comment,
    project,
    task,
    time_entry,
    workspace,
)
from tests.projections import oracle
from tests.servers import Servers

pytestmark = pytest.mark.slow


def test_an_empty_database_is_brought_up_to_date_once(servers: Servers) -> None:
    url = servers.new_database()
    names = sorted(file.stem for file in MIGRATIONS_DIR.glob("*.sql"))
    assert fetch_pending_migrations(url) == names
    assert migrate(url) == names
    assert (fetch_pending_migrations(url), migrate(url)) == ([], [])


def test_every_projection_has_its_table_and_checkpoint(servers: Servers) -> None:
    url = servers.new_database()
    migrate(url)
    with connect(url) as connection:
        found = builds.serving_builds(connection)
        assert found.keys() == all_projections().keys()
        for name, projection in all_projections().items():
            cursor = connection.execute(SQL("select * from {}").format(found[name].table_name))
            columns = {column.name for column in cursor.description or ()}
            assert columns == {*table.stored_columns(projection), *dict(projection.generated_columns)}


def test_a_killed_migration_leaves_no_lock(servers: Servers) -> None:
    """It ends while it holds the lock, as after a Ctrl-C."""
    url = servers.new_database()
    with connect(url) as dying:
        dying.execute("select pg_advisory_lock(%s)", (MIGRATION_LOCK_ID,))
        (pid,) = dying.execute("select pg_backend_pid()").fetchone() or (0,)
        with connect(url) as other:
            other.execute("select pg_terminate_backend(%s, 5000)", (pid,))
        dying.close()
    assert migrate(url)
    with connect(url) as connection:
        assert connection.execute("select count(*) from yoyo_lock").fetchone() == (0,)


def test_concurrent_migrations_apply_everything_once(servers: Servers) -> None:
    url = servers.new_database()
    with ThreadPoolExecutor() as threads:
        applied = list(threads.map(migrate, [url] * 3))
    assert sorted(name for names in applied for name in names) == sorted(
        file.stem for file in MIGRATIONS_DIR.glob("*.sql")
    )


def test_a_new_projection_version_is_built_beside_the_old_one(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = servers.new_database()
    migrate(url)
    with connect(url) as connection:
        oracle.append_facts(connection, [*workspace(), *project()])
        oracle.catch_up(connection)
        assert oracle.serving_rows(connection, project_list.projection)
        projection = project_list.projection
        older = oracle.serving_build(connection, projection)
        newer = msgspec.structs.replace(projection, version=projection.version + 1)
        with monkeypatch.context() as deployed:
            deployed.setitem(all_projections(), projection.name, newer)
            assert builds.unbuilt_projections(connection) == [newer]
            migrate(url)
            assert oracle.serving_build(connection, newer).number > older.number
            assert oracle.matches_log(connection)
            migrate(url)
            assert oracle.checkpoint_position(connection, projection.name) == log.head(connection)
        assert oracle.serving_build(connection, projection) == older


def test_a_projection_that_no_query_reads_is_dropped(servers: Servers) -> None:
    url = servers.new_database()
    migrate(url)
    with connect(url) as connection:
        left = replace(all_projections()["activity"], name="task_history")
        with connection.transaction():
            build = builds.create_build(connection, left, 1)
            connection.execute(SQL("create table {} ()").format(build.table_name))
            builds.set_checkpoints(connection, build, 0)
            builds.serve_build(connection, build)
        connection.execute("delete from _yoyo_migration where migration_id = '0021.no-task-history'")
        assert migrate(url) == ["0021.no-task-history"]
        assert not builds.table_exists(connection, build)
        for name in ("builds", "serving"):
            sql = SQL("select from {} where projection = 'task_history'").format(Identifier("read", name))
            assert not connection.execute(sql).fetchall()


def test_edits_that_mention_a_user_more_are_entered_as_touching(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = servers.new_database()
    migrate(url)
    mentioning = replace(COMMENT_EDITED, mentions=Change((ADA.id,), (ADA.id, CAT.id)))
    with connect(url) as connection:
        with monkeypatch.context() as before:
            before.setattr(CommentEdited, "touches", lambda _: ())
            facts = [*workspace(), *project(), *task(), *comment(COMMENT_EDITED, mentioning, COMMENT_DELETED)]
            oracle.append_facts(connection, facts)
        assert [type(one.event) for one in log.load_touching(connection, TASK)] == [CommentAdded, CommentDeleted]
        connection.execute("delete from _yoyo_migration where migration_id = '0026.mentions-touch'")
        assert migrate(url) == ["0026.mentions-touch"]
        found = [one.event for one in log.load_touching(connection, TASK)]
        assert found == [COMMENT_ADDED, mentioning, COMMENT_DELETED]


def test_edits_of_comments_and_time_entries_are_entered_as_touching(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = servers.new_database()
    migrate(url)
    with connect(url) as connection:
        with monkeypatch.context() as before:
            for kind in (CommentEdited, TimeEntryEdited):
                before.setattr(kind, "touches", lambda _: ())
            edited = replace(TIME_EDITED, minutes=Change(90, 90))
            facts = [*workspace(), *project(), *task(), *comment(COMMENT_EDITED), *time_entry(edited)]
            oracle.append_facts(connection, facts)
        assert [type(one.event) for one in log.load_touching(connection, TASK)] == [CommentAdded, TimeEntryAdded]
        connection.execute("delete from _yoyo_migration where migration_id = '0027.edits-touch'")
        assert migrate(url) == ["0027.edits-touch"]
        found = [type(one.event) for one in log.load_touching(connection, TASK)]
        assert found == [CommentAdded, CommentEdited, TimeEntryAdded, TimeEntryEdited]
