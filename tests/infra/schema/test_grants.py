"""The application's role: the database allows it nothing on the log but reading and `append`."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection, conninfo
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier, Literal

from infra import log
from infra.database.connections import connect
from infra.errors import OperatorError
from infra.schema import grants
from infra.schema.migrate import migrate
from infra.settings import Settings
from tests.examples import CREATED, TASK, project, workspace
from tests.projections import oracle
from tests.servers import Servers

pytestmark = pytest.mark.slow

Database = Connection[TupleRow]
NewRole = Callable[..., str]

HISTORY = [*workspace(), *project(), (TASK, CREATED)]
PASSWORD = "secret"
FORGED_CLOCK_SQL = (
    "create function read.clock_timestamp() returns timestamptz language sql as $$ select timestamptz '2000-01-01' $$"
)


@pytest.fixture
def application(settings: Settings) -> Iterator[Database]:
    with connect(settings.database_url) as connection:
        yield connection


@pytest.fixture(scope="module")
def denied_database(servers: Servers, template_database: str) -> Iterator[Database]:
    """A database for the tests of refused statements."""
    with connect(servers.application_url(servers.new_database(template_database))) as connection:
        yield connection


@pytest.fixture
def owner(settings: Settings) -> Iterator[Database]:
    with connect(settings.migration_url) as connection:
        yield connection


@pytest.fixture
def new_role(servers: Servers) -> NewRole:
    """Create a role with a password, as an operator does; roles belong to the server, so its name is unique."""

    def make(rights: str = "") -> str:
        name = f"test_{uuid4().hex}"
        sql = SQL("create role {} login password {}").format(Identifier(name), Literal(PASSWORD))
        with connect(servers.postgres.url) as superuser:
            superuser.execute(sql + SQL(rights))
        return name

    return make


def url_as(name: str, url: str, password: str = PASSWORD) -> str:
    """The URL of the same database for another role."""
    parts = conninfo.conninfo_to_dict(url)
    return f"postgresql://{name}:{password}@{parts['host']}:{parts['port']}/{parts['dbname']}"


def new_owned_database(servers: Servers, name: str) -> str:
    """The URL of a new database for its owner, which is not a superuser."""
    url = servers.new_database()
    with connect(url) as superuser:
        database = Identifier(superuser.info.dbname)
        superuser.execute(SQL("alter database {} owner to {}").format(database, Identifier(name)))
    return url_as(name, url)


@pytest.mark.parametrize(
    "statement",
    [
        *(
            each.format(table)
            for table in ("log.events", "log.commands")
            for each in (
                "insert into {} default values",
                "update {} set recorded_at = now()",
                "delete from {}",
                "truncate {}",
                "alter table {} disable trigger all",
                "drop table {}",
                "select from {} for update",
                "lock table {} in exclusive mode",
                "create trigger mine before insert on {} execute function suppress_redundant_updates_trigger()",
            )
        ),
        "delete from log.event_log",
        "select nextval('log.events_notification_id_seq')",
        "create table log.mine (one int)",
        "create function log.mine() returns int language sql as 'select 1'",
        "alter function log.append security invoker",
        "drop function log.append",
        "alter schema log rename to mine",
        "alter table read.checkpoints add column mine int",
        "create table public.mine (one int)",
    ],
)
def test_every_other_statement_on_the_log_is_denied(denied_database: Database, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), denied_database.transaction():
        denied_database.execute(statement.encode())


def test_it_reads_and_appends(application: Database) -> None:
    oracle.append_facts(application, HISTORY)
    assert len(oracle.all_events(application)) == len(HISTORY)
    assert application.execute("select count(*) from log.event_log").fetchone() == (len(HISTORY),)
    assert application.execute("select count(*) from log.commands").fetchone() == (0,)


def test_append_does_not_run_functions_of_the_application(application: Database) -> None:
    assert not runs_forged_clock(application)


def test_without_a_fixed_search_path_append_would_run_them(application: Database, owner: Database) -> None:
    """The planted defect."""
    owner.execute("alter function log.append reset search_path")
    assert runs_forged_clock(application)


def runs_forged_clock(application: Database) -> bool:
    """Whether a function with the owner's rights used the application's own clock."""
    application.execute(FORGED_CLOCK_SQL)
    application.execute("set search_path = read, pg_catalog")
    oracle.append_facts(application, HISTORY)
    return log.load_after(application, 0, 1)[0].recorded_at.year == 2000


def test_other_roles_may_not_append(settings: Settings, new_role: NewRole) -> None:
    with connect(url_as(new_role(), settings.database_url)) as stranger:
        for statement in ("select from log.events", "select from auth.credentials", "select from read.builds"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                stranger.execute(statement.encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            oracle.append_facts(stranger, HISTORY)


def test_objects_recreated_by_a_migration_keep_their_grants(
    settings: Settings, application: Database, owner: Database
) -> None:
    (source,) = owner.execute("select pg_get_functiondef('log.append'::regproc)").fetchone() or ("",)
    plain = "\n".join(
        line for line in source.splitlines() if "SECURITY DEFINER" not in line and "SET search" not in line
    )
    owner.execute("drop function log.append")
    owner.execute(plain.encode())
    owner.execute("create table log.more (one int)")
    owner.execute("create table read.more (one int)")
    owner.execute("create table auth.more (one int)")
    owner.execute("grant delete on log.events to taskledger_app")
    migrate(settings.migration_url, settings.database_url)
    oracle.append_facts(application, HISTORY)
    for statement in ("select from log.more", "insert into read.more values (1)", "insert into auth.more values (1)"):
        application.execute(statement.encode())
    for statement in ("insert into log.more values (1)", "delete from log.events"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute(statement.encode())


def test_the_application_role_owns_the_projection_tables(application: Database) -> None:
    oracle.append_facts(application, HISTORY)
    oracle.catch_up(application)
    with application.transaction():
        build = oracle.serving_build(application, "project_list")
        application.execute(SQL("create table read.fresh (like {} including all)").format(build.table_name))
        application.execute(SQL("insert into read.fresh select * from {}").format(build.table_name))
        application.execute(SQL("drop table {}").format(build.table_name))
        application.execute(
            SQL("alter table read.fresh rename to {}").format(Identifier(f"project_list_{build.number}"))
        )
    assert oracle.matches_log(application)


def test_a_database_without_an_application_role_is_migrated_in_place(servers: Servers) -> None:
    """A table of the previous version: its rows stay, and the role has all rights on them."""
    url = servers.new_database()
    migrate(url)
    with connect(url) as owner:
        oracle.append_facts(owner, HISTORY)
        oracle.catch_up(owner)
        assert grants.direct_write_access(owner) == ("taskledger", True)
    migrate(url, servers.application_url(url))
    with connect(servers.application_url(url)) as application:
        assert grants.direct_write_access(application) == ("taskledger_app", False)
        assert oracle.matches_log(application)
        assert oracle.checkpoint_position(application, "task_list") == log.head(application)
        assert oracle.rebuild_inline(servers.application_url(url), "task_list").switched
        application.execute(SQL("drop table {}").format(oracle.serving_build(application, "project_list").table_name))


def test_a_member_of_the_owner_is_not_restricted(servers: Servers, new_role: NewRole) -> None:
    """A member role needs only `set role`, even if it inherits nothing."""
    mine, its = new_role(), new_role(" noinherit")
    url = new_owned_database(servers, mine)
    migrate(url, url_as(its, url))
    with connect(servers.postgres.url) as superuser, connect(url_as(its, url)) as application:
        assert grants.direct_write_access(application) == (its, False)
        superuser.execute(SQL("grant {} to {}").format(Identifier(mine), Identifier(its)))
        assert grants.direct_write_access(application) == (its, True)


def test_a_database_can_return_to_its_owner_alone(servers: Servers) -> None:
    url = servers.new_database()
    migrate(url, servers.application_url(url))
    assert migrate(url) == []
    with connect(url) as owner:
        oracle.append_facts(owner, HISTORY)
        oracle.catch_up(owner)
        assert oracle.matches_log(owner)


def test_an_owner_needs_no_admin_option_for_a_new_database(servers: Servers, new_role: NewRole) -> None:
    url = new_owned_database(servers, new_role())
    application_url = url_as(new_role(), url)
    assert migrate(url, application_url)
    assert migrate(url, application_url) == []
    with connect(application_url) as application:
        oracle.append_facts(application, HISTORY)
        oracle.catch_up(application)
        assert oracle.matches_log(application)
        assert not grants.direct_write_access(application)[1]


def test_a_missing_privilege_is_reported_with_the_grant_to_run(servers: Servers, new_role: NewRole) -> None:
    mine, its = new_role(), new_role()
    url = new_owned_database(servers, mine)
    migrate(url)
    with pytest.raises(OperatorError, match=f"`grant {its} to {mine}`"):
        migrate(url, url_as(its, url))
    with connect(servers.postgres.url) as superuser:
        superuser.execute(SQL("grant {} to {}").format(Identifier(its), Identifier(mine)))
    assert migrate(url, url_as(its, url)) == []


def test_a_missing_role_is_created_if_the_owner_may(servers: Servers, new_role: NewRole) -> None:
    name = f"test_{uuid4().hex}"
    plain = new_owned_database(servers, new_role())
    with pytest.raises(OperatorError, match=f"`create role {name} login password"):
        migrate(plain, url_as(name, plain))
    url = new_owned_database(servers, new_role(" createrole"))
    migrate(url, url_as(name, url))
    with connect(url_as(name, url)) as application:
        oracle.append_facts(application, HISTORY)


def test_a_created_role_follows_the_password_of_its_url(servers: Servers) -> None:
    url, name = servers.new_database(), f"test_{uuid4().hex}"
    for password in ("first", "second"):
        migrate(url, url_as(name, url, password))
        connect(url_as(name, url, password)).close()


def test_an_existing_role_keeps_its_password(servers: Servers, new_role: NewRole) -> None:
    url, name = servers.new_database(), new_role()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        migrate(url, url_as(name, url, "another"))
    connect(url_as(name, url)).close()


def test_urls_of_two_databases_are_refused(servers: Servers) -> None:
    with pytest.raises(OperatorError, match="name two databases"):
        migrate(servers.new_database(), servers.application_url(servers.new_database()))
