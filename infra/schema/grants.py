"""The application's role: it may read the log and call its functions, and it owns the tables of projections."""

from psycopg import Connection, conninfo, errors
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier, Literal

from infra.errors import OperatorError

_SECURE_APPEND = """
alter function log.append security definer set search_path = pg_catalog, pg_temp;
alter function log.append_touching security definer set search_path = pg_catalog, pg_temp;
alter function log.append_history security definer set search_path = pg_catalog, pg_temp;
revoke all on function log.append, log.append_touching, log.append_history from public;
"""
_GRANTS = """
revoke all on schema log from {role};
revoke all on all tables in schema log from public, {role};
revoke all on all sequences in schema log from public, {role};
revoke all on all routines in schema log from public, {role};
grant usage on schema log to {role};
grant select on all tables in schema log to {role};
grant execute on function log.append, log.append_touching, log.append_history to {role};

grant usage on schema auth to {role};
grant select, insert, update, delete on all tables in schema auth to {role};

grant usage, create on schema read to {role};

grant select on public._yoyo_migration to {role};
"""
_SELECT_TABLES_NOT_OWNED = """
select relname from pg_class
where relnamespace = 'read'::regnamespace and relkind in ('r', 'p') and pg_get_userbyid(relowner) <> %s
"""
_SELECT_BUILD_TABLES = "select projection || '_' || build from read.builds"
_SELECT_DIRECT_WRITE_ACCESS = """
select current_user, bool_or(
  has_table_privilege(oid, 'insert, update, delete, truncate') or pg_has_role(relowner, 'member')
)
from pg_class where relnamespace = to_regnamespace('log') and relkind in ('r', 'p')
"""
_CREATED_BY_MIGRATE = "Made by taskledger migrate: its password is the one in TASKLEDGER_DATABASE_URL."


def apply_grants(owner_connection: Connection[TupleRow], application_url: str) -> None:
    """Grant the role of `application_url` exactly the privileges it needs on all current objects; create it if missing.

    This is idempotent, so it runs after the migrations every time, to cover new objects. If `application_url` names
    the owner itself, that role keeps all its privileges. Raises OperatorError if the owner may not grant them.
    """
    conninfo_parts = conninfo.conninfo_to_dict(application_url)
    role = str(conninfo_parts.get("user") or owner_connection.info.user)
    try:
        with owner_connection.transaction():
            owner_connection.execute(_SECURE_APPEND)
            if role != owner_connection.info.user:
                _ensure_role(owner_connection, role, str(conninfo_parts.get("password") or ""))
                owner_connection.execute(SQL(_GRANTS).format(role=Identifier(role)))
            _grant_read_tables(owner_connection, role)
    except errors.InsufficientPrivilege as error:
        why = str(error).partition("\n")[0]
        raise OperatorError(
            f"{owner_connection.info.user} cannot give {role} its rights ({why}): as a superuser, once, "
            f"`create role {role} login password '...'` if there is none, "
            f"and `grant {role} to {owner_connection.info.user}`."
        ) from error


def direct_write_access(connection: Connection[TupleRow]) -> tuple[str, bool | None]:
    """The connection's role, and whether it may write the log's tables directly; None if they do not exist yet."""
    role, direct = connection.execute(_SELECT_DIRECT_WRITE_ACCESS).fetchone() or ("", None)
    return role, direct


def _ensure_role(owner_connection: Connection[TupleRow], role: str, password: str) -> None:
    """Create the role if missing. A role created here gets the URL's password; one made by the operator is kept."""
    sql = "select shobj_description(oid, 'pg_authid') from pg_roles where rolname = %s"
    role_comment = owner_connection.execute(sql, (role,)).fetchone()
    if role_comment is None:
        owner_connection.execute(SQL("create role {} login").format(Identifier(role)))
        owner_connection.execute(SQL("comment on role {} is {}").format(Identifier(role), Literal(_CREATED_BY_MIGRATE)))
    if password and (role_comment is None or role_comment[0] == _CREATED_BY_MIGRATE):
        # As a verifier, so that the password does not appear in the server's log.
        verifier = owner_connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        owner_connection.execute(SQL("alter role {} password {}").format(Identifier(role), Literal(verifier)))


def _grant_read_tables(owner_connection: Connection[TupleRow], role: str) -> None:
    """Make the role owner of the builds' tables, which it creates and drops; grant access to the others."""
    of_builds = {name for (name,) in owner_connection.execute(_SELECT_BUILD_TABLES)}
    for (name,) in owner_connection.execute(_SELECT_TABLES_NOT_OWNED, (role,)).fetchall():
        set_owner = "alter table {} owner to {}"
        grant_access = "grant select, insert, update, delete on {} to {}"
        owner_connection.execute(
            SQL(set_owner if name in of_builds else grant_access).format(Identifier("read", name), Identifier(role))
        )
