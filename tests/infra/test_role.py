"""The application's role: the database itself refuses it everything on the log but reading and `append`."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection, conninfo
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier, Literal

from infra import log
from infra.database.pool import connect
from infra.errors import OperatorError
from infra.schema import grants
from infra.schema.migrate import migrate
from infra.settings import Settings
from tests.examples import CREATED, TASK, project, workspace
from tests.projections import oracle
from tests.servers import Servers

Database = Connection[TupleRow]
NewRole = Callable[..., str]

HISTORY = [*workspace(), *project(), (TASK, CREATED)]
PASSWORD = "secret"
CLOCK = (
    "create function read.clock_timestamp() returns timestamptz language sql as $$ select timestamptz '2000-01-01' $$"
)


@pytest.fixture
def application(settings: Settings) -> Iterator[Database]:
    with connect(settings.database_url) as connection:
        yield connection


@pytest.fixture(scope="module")
def untouched(servers: Servers, template: str) -> Iterator[Database]:
    """A database for those who are refused everything."""
    with connect(servers.restricted(servers.new_database(template))) as connection:
        yield connection


@pytest.fixture
def owner(settings: Settings) -> Iterator[Database]:
    with connect(settings.migration_url) as connection:
        yield connection


@pytest.fixture
def new_role(servers: Servers) -> NewRole:
    """Make a role with a password, as an operator does; roles belong to the server, so its name is its own."""

    def make(rights: str = "") -> str:
        name = f"test_{uuid4().hex}"
        sql = SQL("create role {} login password {}").format(Identifier(name), Literal(PASSWORD))
        with connect(servers.postgres.url) as superuser:
            superuser.execute(sql + SQL(rights))
        return name

    return make


def as_(name: str, url: str, password: str = PASSWORD) -> str:
    """The URL of the same database for another role."""
    parts = conninfo.conninfo_to_dict(url)
    return f"postgresql://{name}:{password}@{parts['host']}:{parts['port']}/{parts['dbname']}"


def owned(servers: Servers, name: str) -> str:
    """The URL of a new database for its owner, who is no superuser."""
    url = servers.new_database()
    with connect(url) as superuser:
        database = Identifier(superuser.info.dbname)
        superuser.execute(SQL("alter database {} owner to {}").format(database, Identifier(name)))
    return as_(name, url)


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
def test_whatever_else_it_tries_on_the_log_is_refused(untouched: Database, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), untouched.transaction():
        untouched.execute(statement.encode())


def test_it_reads_and_appends(application: Database) -> None:
    oracle.write(application, HISTORY)
    assert len(oracle.all_events(application)) == len(HISTORY)
    assert application.execute("select count(*) from log.event_log").fetchone() == (len(HISTORY),)
    assert application.execute("select count(*) from log.commands").fetchone() == (0,)


def test_a_function_of_its_own_is_not_run_by_the_owner(application: Database) -> None:
    assert not stamped_by(application)


def test_without_its_fixed_path_append_would_run_it(application: Database, owner: Database) -> None:
    """The planted defect."""
    owner.execute("alter function log.append reset search_path")
    assert stamped_by(application)


def stamped_by(application: Database) -> bool:
    """Whether the application's own clock was asked, by a function that runs with the owner's rights."""
    application.execute(CLOCK)
    application.execute("set search_path = read, pg_catalog")
    oracle.write(application, HISTORY)
    return log.load_after(application, 0, 1)[0].recorded_at.year == 2000


def test_strangers_may_not_even_append(settings: Settings, new_role: NewRole) -> None:
    with connect(as_(new_role(), settings.database_url)) as stranger:
        for statement in ("select from log.events", "select from auth.credentials", "select from read.builds"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                stranger.execute(statement.encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            oracle.write(stranger, HISTORY)


def test_what_a_later_migration_makes_anew_has_the_same_rights(
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
    oracle.write(application, HISTORY)
    for statement in ("select from log.more", "insert into read.more values (1)", "insert into auth.more values (1)"):
        application.execute(statement.encode())
    for statement in ("insert into log.more values (1)", "delete from log.events"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute(statement.encode())


def test_the_tables_of_projections_are_its_own(application: Database) -> None:
    oracle.write(application, HISTORY)
    oracle.catch_up(application)
    with application.transaction():
        build = oracle.build_of(application, "project_list")
        application.execute(SQL("create table read.fresh (like {} including all)").format(build.table_name))
        application.execute(SQL("insert into read.fresh select * from {}").format(build.table_name))
        application.execute(SQL("drop table {}").format(build.table_name))
        application.execute(
            SQL("alter table read.fresh rename to {}").format(Identifier(f"project_list_{build.number}"))
        )
    assert oracle.is_right(application)


def test_a_database_of_the_owner_alone_is_handed_over_as_it_is(servers: Servers) -> None:
    """One that the version before this one made: its rows stay, and the role may do with them what it likes."""
    url = servers.new_database()
    migrate(url)
    with connect(url) as owner:
        oracle.write(owner, HISTORY)
        oracle.catch_up(owner)
        assert grants.direct_write_access(owner) == ("taskledger", True)
    migrate(url, servers.restricted(url))
    with connect(servers.restricted(url)) as application:
        assert grants.direct_write_access(application) == ("taskledger_app", False)
        assert oracle.is_right(application)
        assert oracle.position(application, "task_list") == log.head(application)
        assert oracle.rebuilt(servers.restricted(url), "task_list").switched
        application.execute(SQL("drop table {}").format(oracle.build_of(application, "project_list").table_name))


def test_a_member_of_the_owner_is_not_restricted(servers: Servers, new_role: NewRole) -> None:
    """It need only say `set role`, even where it inherits nothing."""
    mine, its = new_role(), new_role(" noinherit")
    url = owned(servers, mine)
    migrate(url, as_(its, url))
    with connect(servers.postgres.url) as superuser, connect(as_(its, url)) as application:
        assert grants.direct_write_access(application) == (its, False)
        superuser.execute(SQL("grant {} to {}").format(Identifier(mine), Identifier(its)))
        assert grants.direct_write_access(application) == (its, True)


def test_a_database_may_be_given_back_to_its_owner(servers: Servers) -> None:
    url = servers.new_database()
    migrate(url, servers.restricted(url))
    assert migrate(url) == []
    with connect(url) as owner:
        oracle.write(owner, HISTORY)
        oracle.catch_up(owner)
        assert oracle.is_right(owner)


def test_an_owner_needs_no_power_over_the_role_of_a_new_database(servers: Servers, new_role: NewRole) -> None:
    url = owned(servers, new_role())
    application_url = as_(new_role(), url)
    assert migrate(url, application_url)
    assert migrate(url, application_url) == []
    with connect(application_url) as application:
        oracle.write(application, HISTORY)
        oracle.catch_up(application)
        assert oracle.is_right(application)
        assert not grants.direct_write_access(application)[1]


def test_an_owner_who_needs_it_is_told_what_a_superuser_must_do(servers: Servers, new_role: NewRole) -> None:
    mine, its = new_role(), new_role()
    url = owned(servers, mine)
    migrate(url)
    with pytest.raises(OperatorError, match=f"`grant {its} to {mine}`"):
        migrate(url, as_(its, url))
    with connect(servers.postgres.url) as superuser:
        superuser.execute(SQL("grant {} to {}").format(Identifier(its), Identifier(mine)))
    assert migrate(url, as_(its, url)) == []


def test_a_role_that_is_missing_is_made_where_the_owner_may(servers: Servers, new_role: NewRole) -> None:
    name = f"test_{uuid4().hex}"
    plain = owned(servers, new_role())
    with pytest.raises(OperatorError, match=f"`create role {name} login password"):
        migrate(plain, as_(name, plain))
    url = owned(servers, new_role(" createrole"))
    migrate(url, as_(name, url))
    with connect(as_(name, url)) as application:
        oracle.write(application, HISTORY)


def test_a_role_that_was_made_here_keeps_to_the_password_of_its_url(servers: Servers) -> None:
    url, name = servers.new_database(), f"test_{uuid4().hex}"
    for password in ("first", "second"):
        migrate(url, as_(name, url, password))
        connect(as_(name, url, password)).close()


def test_a_role_of_the_operators_keeps_its_password(servers: Servers, new_role: NewRole) -> None:
    url, name = servers.new_database(), new_role()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        migrate(url, as_(name, url, "another"))
    connect(as_(name, url)).close()


def test_urls_of_two_databases_are_noticed(servers: Servers) -> None:
    with pytest.raises(OperatorError, match="name two databases"):
        migrate(servers.new_database(), servers.restricted(servers.new_database()))
