"""Sessions: log-ins of users. Each has one current refresh token, which is valid for one use."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

from commands.access import RecordSignIn, RecordSignOut
from domain.access import SignOutReason
from domain.errors import InvalidMailToken, InvalidRefreshToken, NotFound, WrongCredentials, WrongPassword
from domain.event import Actor
from domain.instance import RULE_ACTOR
from infra.database.pool import Pool
from infra.identity import mail_tokens, token_secrets
from infra.identity.access_log import AccessLog
from infra.identity.revocations import RevokedIds
from infra.ids import new_id

SESSION_LIFETIME = timedelta(days=30)
"""Counted from the log-in; refreshing does not extend it."""
REUSE_GRACE = timedelta(seconds=10)
"""How long the previous token may be reused, by a client that did not receive the answer to its refresh."""
REFRESH_PREFIX = "tlr_"
_INSERT_SESSION_SQL = """
with owner as (
  select user_id from auth.credentials where user_id = %(user)s and password_hash = %(proof)s for share
), session as (
  insert into auth.sessions (id, user_id, expires_at, user_agent)
  select %(id)s, user_id, now() + %(lasts)s, %(user_agent)s from owner returning id, expires_at
), token as (
  insert into auth.refresh_tokens (hash, session_id) select %(hash)s, id from session
)
select expires_at from session
"""
_LOCK_SESSION_SQL = """
select id, user_id, expires_at from auth.sessions
where id = (select session_id from auth.refresh_tokens where hash = %(hash)s) and expires_at > now()
for update
"""
_ROTATION_STATUS_SQL = """
select this.rotated_at is null, case when this.rotated_at > now() - %(grace)s then next.hash end
from auth.refresh_tokens as this
left join auth.refresh_tokens as next on next.hash = any(%(successors)s) and next.rotated_at is null
where this.hash = %(hash)s
"""
_ROTATE_SQL = """
with old as (update auth.refresh_tokens set rotated_at = now() where hash = %(hash)s returning session_id),
  used as (update auth.sessions set last_used_at = now() where id = (select session_id from old))
insert into auth.refresh_tokens (hash, session_id) select %(next)s, session_id from old
"""
_LOCK_CREDENTIALS_SQL = "select 1 from auth.credentials where user_id = %s and password_hash = %s for update"
_LOCK_ANY_CREDENTIALS_SQL = "select 1 from auth.credentials where user_id = %s for update"
_DELETE_RESET_TOKENS_SQL = "delete from auth.mail_tokens where user_id = %s and purpose = 'password_reset'"
_UPDATE_HASH_SQL = "update auth.credentials set password_hash = %s, password_id = %s where user_id = %s"
_MAX_CONCURRENT_PASSWORD_CHANGES = 2
"""Concurrent password changes: each holds a connection while the event log uses a second one."""
_SET_TIMEOUTS_SQL = "set local lock_timeout = '5s'; set local idle_in_transaction_session_timeout = '10s'"
"""PostgreSQL disconnects a process that stalls during a change, so that the row does not stay locked."""
_LIST_SESSIONS_SQL = """
select id, created_at, last_used_at, expires_at, user_agent from auth.sessions
where user_id = %s and expires_at > now() order by last_used_at desc, id
"""
_REVOKE_SQL_TEMPLATE = """
with over as (delete from auth.sessions where {which} returning id)
insert into auth.revoked (id) select id from over on conflict do nothing returning id
"""
_REVOKE_ONE_SQL = _REVOKE_SQL_TEMPLATE.format(which="user_id = %s and id = %s")
_REVOKE_OTHERS_SQL = _REVOKE_SQL_TEMPLATE.format(which="user_id = %s and id is distinct from %s")


class Session(Struct, frozen=True):
    """A log-in that has neither expired nor been revoked."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str


class SessionWithToken(Struct, frozen=True):
    """A session just opened or refreshed: its user, its latest expiry, and the token for the next refresh."""

    id: UUID
    user: UUID
    expires_at: datetime
    refresh_token: str


class Sessions:
    """Opens, refreshes, lists and revokes sessions. All times come from the database clock.

    Each begin and end is recorded once it is done, before it is answered.
    """

    def __init__(self, pool: Pool, revoked_ids: RevokedIds, access_log: AccessLog, master_keys: Iterable[str]) -> None:
        """`master_keys`: the one to derive refresh tokens from, then one that they may have been derived from."""
        self._pool = pool
        self._revoked_ids = revoked_ids
        self._access_log = access_log
        self._refresh_keys = [token_secrets.derive_key(key, "refresh tokens") for key in master_keys]
        self._password_changes = asyncio.Semaphore(_MAX_CONCURRENT_PASSWORD_CHANGES)

    async def open(self, user: UUID, password_hash: str, user_agent: str, network: str) -> SessionWithToken:
        """Open a session for a user whose password was verified as `password_hash`.

        Raises WrongCredentials if the password has changed since.
        """
        session, token = new_id(), token_secrets.generate(REFRESH_PREFIX)
        row = {
            "id": session,
            "user": user,
            "proof": password_hash,
            "hash": token_secrets.digest(token),
            "lasts": SESSION_LIFETIME,
            "user_agent": user_agent,
        }
        async with self._pool.connection() as connection:
            found = await (await connection.execute(_INSERT_SESSION_SQL, row)).fetchone()
        if found is None:
            raise WrongCredentials
        sign_in = RecordSignIn(user_id=user, session_id=session, user_agent=user_agent, network=network)
        await self._access_log.record(Actor(user), sign_in)
        return SessionWithToken(session, user, found[0], token)

    async def refresh(self, token: str) -> SessionWithToken:
        """Rotate a refresh token. Raises InvalidRefreshToken; if the token was used before, also revokes its session.

        The next token is derived from this one. So concurrent requests with the same token all get the same next
        token. A retry within `REUSE_GRACE` gets it too, as long as the next token was not used, even if the master key
        was rotated in between.
        """
        derived = [token_secrets.derive_secret(key, token, REFRESH_PREFIX) for key in self._refresh_keys]
        successors = {token_secrets.digest(each): each for each in derived}
        hashes = list(successors)
        row = {"hash": token_secrets.digest(token), "next": hashes[0], "successors": hashes, "grace": REUSE_GRACE}
        async with self._pool.connection() as connection, connection.transaction():
            found = await (await connection.execute(_LOCK_SESSION_SQL, row)).fetchone()
            if found is None:
                raise InvalidRefreshToken
            session, user, expires_at = found
            next_hash = await self._rotate_or_find_successor(connection, row)
            revoked = [] if next_hash else await self._revoke(connection, _REVOKE_ONE_SQL, user, session)
        await self._end(RULE_ACTOR, user, revoked, "token_reused")
        if next_hash is None:
            raise InvalidRefreshToken
        return SessionWithToken(session, user, expires_at, successors[next_hash])

    async def close_account(self, user: UUID) -> None:
        """Revoke all sessions of a user, and delete the password."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute("delete from auth.credentials where user_id = %s", (user,))
            revoked = await self._revoke(connection, _REVOKE_OTHERS_SQL, user, None)
        await self._end(Actor(user), user, revoked, "account_deleted")

    async def list_for_user(self, user: UUID) -> list[Session]:
        """The sessions of a user that are still valid, the most recently used first."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Session)) as cursor:
            return await (await cursor.execute(_LIST_SESSIONS_SQL, (user,))).fetchall()

    async def revoke(self, user: UUID, session: UUID, reason: SignOutReason) -> None:
        """Revoke one of the user's sessions; raises NotFound."""
        async with self._pool.connection() as connection:
            revoked = await self._revoke(connection, _REVOKE_ONE_SQL, user, session)
        await self._end(Actor(user), user, revoked, reason)
        if not revoked:
            raise NotFound

    @contextlib.asynccontextmanager
    async def change_password(
        self, user: UUID, current_hash: str, new_hash: str, password_id: UUID, except_session: UUID | None
    ) -> AsyncIterator[None]:
        """Run the block, then store `new_hash` and revoke all of the user's sessions except `except_session`.

        Raises WrongPassword if `current_hash` is no longer the stored hash. The row stays locked until the end, so of
        two concurrent changes that verified the same password the second one fails. The last statement also sees a
        session that was opened with the old password just before.
        """
        async with self._password_changes, self._pool.connection() as connection, connection.transaction():
            await connection.execute(_SET_TIMEOUTS_SQL)
            if await (await connection.execute(_LOCK_CREDENTIALS_SQL, (user, current_hash))).fetchone() is None:
                raise WrongPassword
            yield
            revoked = await self._store_hash(connection, user, new_hash, password_id, except_session)
        await self._end(Actor(user), user, revoked, "password_changed")

    @contextlib.asynccontextmanager
    async def reset_password(self, user: UUID, token: str, new_hash: str, password_id: UUID) -> AsyncIterator[None]:
        """Use a reset token of the user, run the block, store `new_hash` and revoke all of the user's sessions.

        Raises InvalidMailToken. If the block fails, the token remains valid. Locks are taken in the order of a change,
        and held until the end: of concurrent resets with one token, one wins.
        """
        async with self._password_changes, self._pool.connection() as connection, connection.transaction():
            await connection.execute(_SET_TIMEOUTS_SQL)
            if await (await connection.execute(_LOCK_ANY_CREDENTIALS_SQL, (user,))).fetchone() is None:
                raise InvalidMailToken
            await mail_tokens.consume(connection, "password_reset", token)
            yield
            revoked = await self._store_hash(connection, user, new_hash, password_id, None)
        await self._end(Actor(user), user, revoked, "password_reset")

    async def _end(self, actor: Actor, user: UUID, revoked: Sequence[UUID], reason: SignOutReason) -> None:
        """Refuse the access tokens of these sessions from now on, and record that they are over."""
        self._revoked_ids.add(revoked)
        if revoked:
            await self._access_log.record(actor, RecordSignOut(user_id=user, session_ids=tuple(revoked), reason=reason))

    async def _store_hash(
        self,
        connection: AsyncConnection[TupleRow],
        user: UUID,
        new_hash: str,
        password_id: UUID,
        except_session: UUID | None,
    ) -> list[UUID]:
        """Store a hash, delete the reset tokens of the password before, and revoke sessions, which are returned."""
        await connection.execute(_UPDATE_HASH_SQL, (new_hash, password_id, user))
        await connection.execute(_DELETE_RESET_TOKENS_SQL, (user,))
        return await self._revoke(connection, _REVOKE_OTHERS_SQL, user, except_session)

    async def _rotate_or_find_successor(
        self, connection: AsyncConnection[TupleRow], row: dict[str, Any]
    ) -> bytes | None:
        """The digest of the next token; None for forbidden reuse. The caller holds the lock on the session's row."""
        is_current, successor = await self._rotation_status(connection, row)
        if not is_current:
            return successor
        await connection.execute(_ROTATE_SQL, row)
        return bytes(row["next"])

    async def _rotation_status(
        self, connection: AsyncConnection[TupleRow], row: dict[str, Any]
    ) -> tuple[bool, bytes | None]:
        """Whether a token is the current one, and the unused next one if it was rotated within `REUSE_GRACE`."""
        found = await (await connection.execute(_ROTATION_STATUS_SQL, row)).fetchone()
        return (found[0], found[1]) if found else (False, None)

    async def _revoke(
        self, connection: AsyncConnection[TupleRow], sql: str, user: UUID, session: UUID | None
    ) -> list[UUID]:
        return [each for (each,) in await (await connection.execute(sql.encode(), (user, session))).fetchall()]
