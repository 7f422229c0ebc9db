"""The application's role: it reads the log and calls `log.append`, and what it folds is its own."""

from psycopg import Connection, conninfo, errors
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier, Literal

from infra.errors import OperatorError

_APPEND = """
alter function log.append security definer set search_path = pg_catalog, pg_temp;
revoke all on function log.append from public;
"""
_GRANTS = """
revoke all on schema log from {role};
revoke all on all tables in schema log from public, {role};
revoke all on all sequences in schema log from public, {role};
revoke all on all routines in schema log from public, {role};
grant usage on schema log to {role};
grant select on all tables in schema log to {role};
grant execute on function log.append to {role};

grant usage on schema auth to {role};
grant select, insert, update, delete on all tables in schema auth to {role};

grant usage, create on schema read to {role};

grant select on public._yoyo_migration to {role};
"""
_NOT_ITS_OWN = """
select relname from pg_class
where relnamespace = 'read'::regnamespace and relkind in ('r', 'p') and pg_get_userbyid(relowner) <> %s
"""
_OF_BUILDS = "select projection || '_' || build from read.builds"
_DIRECT = """
select current_user, bool_or(
  has_table_privilege(oid, 'insert, update, delete, truncate') or pg_has_role(relowner, 'member')
)
from pg_class where relnamespace = to_regnamespace('log') and relkind in ('r', 'p')
"""
_MADE_BY_US = "Made by taskledger migrate: its password is the one in TASKLEDGER_DATABASE_URL."


def admit(owner: Connection[TupleRow], url: str) -> None:
    """Give the role that `url` names its rights and no more, on all that there is now; make it where it is missing.

    Doing it again changes nothing more, so it follows the migrations each time, whatever they made. Where the
    owner itself is named, it keeps all its rights. Raises OperatorError where the owner may not do this.
    """
    named = conninfo.conninfo_to_dict(url)
    role = str(named.get("user") or owner.info.user)
    try:
        with owner.transaction():
            owner.execute(_APPEND)
            if role != owner.info.user:
                _make(owner, role, str(named.get("password") or ""))
                owner.execute(SQL(_GRANTS).format(role=Identifier(role)))
            _let_it_fold(owner, role)
    except errors.InsufficientPrivilege as error:
        why = str(error).partition("\n")[0]
        raise OperatorError(
            f"{owner.info.user} cannot give {role} its rights ({why}): as a superuser, once, "
            f"`create role {role} login password '...'` if there is none, and `grant {role} to {owner.info.user}`."
        ) from error


def writes_past_append(connection: Connection[TupleRow]) -> tuple[str, bool | None]:
    """The connection's role, and whether it may write the log's tables itself; None where there are none yet."""
    role, direct = connection.execute(_DIRECT).fetchone() or ("", None)
    return role, direct


def _make(owner: Connection[TupleRow], role: str, password: str) -> None:
    """A role that we made keeps the URL's password; one that the operator made is left as it is."""
    sql = "select shobj_description(oid, 'pg_authid') from pg_roles where rolname = %s"
    found = owner.execute(sql, (role,)).fetchone()
    if found is None:
        owner.execute(SQL("create role {} login").format(Identifier(role)))
        owner.execute(SQL("comment on role {} is {}").format(Identifier(role), Literal(_MADE_BY_US)))
    if password and (found is None or found[0] == _MADE_BY_US):
        # As a verifier, so that the password stands in no log of the server.
        verifier = owner.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        owner.execute(SQL("alter role {} password {}").format(Identifier(role), Literal(verifier)))


def _let_it_fold(owner: Connection[TupleRow], role: str) -> None:
    """It makes and drops the tables of projections, so it owns them; the others are for migrations to alter."""
    of_builds = {name for (name,) in owner.execute(_OF_BUILDS)}
    for (name,) in owner.execute(_NOT_ITS_OWN, (role,)).fetchall():
        own = "alter table {} owner to {}"
        use = "grant select, insert, update, delete on {} to {}"
        owner.execute(SQL(own if name in of_builds else use).format(Identifier("read", name), Identifier(role)))
