"""Sessions: who is logged in, each held by one refresh token at a time, good for one use."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

from domain.errors import InvalidRefreshToken, NotFound, WrongCredentials, WrongPassword
from infra.database.pool import Pool
from infra.identity import secrets
from infra.identity.revocations import Revoked
from infra.ids import new_id

LASTS = timedelta(days=30)
"""From the log-in on, however often it is refreshed."""
GRACE = timedelta(seconds=10)
"""How long the last token may come again, for whoever did not get the answer."""
PREFIX = "tlr_"
_OPEN = """
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
_HELD = """
select id, user_id, expires_at from auth.sessions
where id = (select session_id from auth.refresh_tokens where hash = %(hash)s) and expires_at > now()
for update
"""
_STANDING = """
select this.rotated_at is null, this.rotated_at > now() - %(grace)s and next.hash is not null
from auth.refresh_tokens as this
left join auth.refresh_tokens as next on next.hash = %(next)s and next.rotated_at is null
where this.hash = %(hash)s
"""
_ROTATE = """
with old as (update auth.refresh_tokens set rotated_at = now() where hash = %(hash)s returning session_id),
  used as (update auth.sessions set last_used_at = now() where id = (select session_id from old))
insert into auth.refresh_tokens (hash, session_id) select %(next)s, session_id from old
"""
_HOLD = "select 1 from auth.credentials where user_id = %s and password_hash = %s for update"
_REPLACE = "update auth.credentials set password_hash = %s, password_id = %s where user_id = %s"
_CHANGES = 2
"""Changes of passwords at a time: each holds a connection while the log, which takes another, is told."""
_IN_TIME = "set local lock_timeout = '5s'; set local idle_in_transaction_session_timeout = '10s'"
"""Whoever stops in the middle of a change is parted from it, and locks nobody out."""
_ALL = """
select id, created_at, last_used_at, expires_at, user_agent from auth.sessions
where user_id = %s and expires_at > now() order by last_used_at desc, id
"""
_END = """
with over as (delete from auth.sessions where {which} returning id)
insert into auth.revoked (id) select id from over on conflict do nothing returning id
"""
_END_ONE = _END.format(which="user_id = %s and id = %s")
_END_OTHERS = _END.format(which="user_id = %s and id is distinct from %s")


class Session(Struct, frozen=True):
    """A log-in that has not ended."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str


class Held(Struct, frozen=True):
    """A session just opened or refreshed, whose, until when at most, and the token that refreshes it next."""

    id: UUID
    user: UUID
    expires_at: datetime
    refresh_token: str


class Sessions:
    """Opens, refreshes, lists and ends them. Times are the database's."""

    def __init__(self, pool: Pool, revoked: Revoked, master: str) -> None:
        self._pool = pool
        self._revoked = revoked
        self._key = secrets.key(master, "refresh tokens")
        self._changes = asyncio.Semaphore(_CHANGES)

    async def open(self, user: UUID, proof: str, user_agent: str) -> Held:
        """A new session for who has proved themselves; raises WrongCredentials where the password changed meanwhile."""
        session, token = new_id(), secrets.new(PREFIX)
        row = {
            "id": session,
            "user": user,
            "proof": proof,
            "hash": secrets.digest(token),
            "lasts": LASTS,
            "user_agent": user_agent,
        }
        async with self._pool.connection() as connection:
            found = await (await connection.execute(_OPEN, row)).fetchone()
        if found is None:
            raise WrongCredentials
        return Held(session, user, found[0], token)

    async def refresh(self, token: str) -> Held:
        """Rotate a refresh token; raises InvalidRefreshToken, and ends the session where it was used before.

        The next token is derived from this one. So all who send the same one at once get the same next one, and so
        does who sends it again within `GRACE`, as long as the next one was not used.
        """
        following = secrets.derived(self._key, token, PREFIX)
        row = {"hash": secrets.digest(token), "next": secrets.digest(following), "grace": GRACE}
        async with self._pool.connection() as connection, connection.transaction():
            found = await (await connection.execute(_HELD, row)).fetchone()
            if found is None:
                raise InvalidRefreshToken
            session, user, expires_at = found
            ended = await self._used_before(connection, row) and await self._over(connection, _END_ONE, user, session)
        if ended:
            self._revoked.add(ended)
            raise InvalidRefreshToken
        return Held(session, user, expires_at, following)

    async def of(self, user: UUID) -> list[Session]:
        """All that have not ended, the one used last first."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Session)) as cursor:
            return await (await cursor.execute(_ALL, (user,))).fetchall()

    async def end(self, user: UUID, session: UUID) -> None:
        """End one of the user's sessions; raises NotFound."""
        async with self._pool.connection() as connection:
            ended = await self._over(connection, _END_ONE, user, session)
        self._revoked.add(ended)
        if not ended:
            raise NotFound

    @contextlib.asynccontextmanager
    async def changing(
        self, user: UUID, proof: str, hashed: str, password_id: UUID, but: UUID | None
    ) -> AsyncIterator[None]:
        """Keep another hash, and end all of the user's sessions but one, once what is done meanwhile is done.

        Raises WrongPassword where the one that was proved is not the one that is kept. The row is locked from then
        on: of two who proved the same password one finds another. The last statement sees the session of whoever
        proved the old one just before.
        """
        async with self._changes, self._pool.connection() as connection, connection.transaction():
            await connection.execute(_IN_TIME)
            if await (await connection.execute(_HOLD, (user, proof))).fetchone() is None:
                raise WrongPassword
            yield
            await connection.execute(_REPLACE, (hashed, password_id, user))
            ended = await self._over(connection, _END_OTHERS, user, but)
        self._revoked.add(ended)

    async def _used_before(self, connection: AsyncConnection[TupleRow], row: dict[str, object]) -> bool:
        """Rotate what is current; else whether it comes again too late. The session's row is locked: one at a time."""
        is_current, is_again = await self._standing(connection, row)
        if is_current:
            await connection.execute(_ROTATE, row)
        return not (is_current or is_again)

    async def _standing(self, connection: AsyncConnection[TupleRow], row: dict[str, object]) -> tuple[bool, bool]:
        """Whether a token is the current one, and whether it is the last one, not too late."""
        found = await (await connection.execute(_STANDING, row)).fetchone()
        return (found[0], found[1]) if found else (False, False)

    async def _over(
        self, connection: AsyncConnection[TupleRow], sql: str, user: UUID, session: UUID | None
    ) -> list[UUID]:
        return [each for (each,) in await (await connection.execute(sql.encode(), (user, session))).fetchall()]
