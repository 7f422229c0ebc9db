"""Mailed tokens: secrets that let a user reset the password or verify the e-mail address, stored as digests."""

from datetime import timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, scalar_row

from domain.errors import InvalidMailToken
from infra.database.pool import Pool
from infra.identity import token_secrets

Purpose: TypeAlias = Literal["password_reset", "verification", "email_change"]
LIFETIMES: Final[dict[Purpose, timedelta]] = {
    "password_reset": timedelta(hours=1),
    "verification": timedelta(days=3),
    "email_change": timedelta(days=1),
}
PREFIXES: Final[dict[Purpose, str]] = {"password_reset": "tlf_", "verification": "tlv_", "email_change": "tle_"}
_UPSERT_SQL = """
insert into auth.mail_tokens (user_id, purpose, hash, expires_at, email)
values (%(user)s, %(purpose)s, %(hash)s, now() + %(lasts)s, %(email)s)
on conflict (user_id, purpose) do update
set hash = excluded.hash, email = excluded.email, created_at = now(), expires_at = excluded.expires_at
"""
_DELETE_EXPIRED_SQL = "delete from auth.mail_tokens where expires_at < now()"
_FIND_SQL = "select user_id from auth.mail_tokens where hash = %s and purpose = %s and expires_at > now()"
_NEW_EMAIL_SQL = """
select email from auth.mail_tokens where user_id = %s and purpose = 'email_change' and expires_at > now()
"""
_CONSUME_SQL = """
delete from auth.mail_tokens where hash = %s and purpose = %s and expires_at > now()
returning user_id
"""


class MailTokens:
    """Creates and finds mailed tokens. All times come from the database clock."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, user: UUID, purpose: Purpose, email: str | None = None) -> str:
        """A new token of a user, which replaces the last one for the same purpose; `email` is a new address."""
        token = token_secrets.generate(PREFIXES[purpose])
        row = {
            "user": user,
            "purpose": purpose,
            "hash": token_secrets.digest(token),
            "lasts": LIFETIMES[purpose],
            "email": email,
        }
        async with self._pool.connection() as connection:
            await connection.execute(_DELETE_EXPIRED_SQL)
            await connection.execute(_UPSERT_SQL, row)
        return token

    async def find(self, purpose: Purpose, token: str) -> UUID:
        """Find the user of a token, and leave it valid. Raises InvalidMailToken if it is not valid, or no longer."""
        async with self._pool.connection() as connection:
            return await _fetch(connection, _FIND_SQL, purpose, token)

    async def new_email(self, user: UUID) -> str | None:
        """The address that a user's change waits to be confirmed for."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            email: str | None = await (await cursor.execute(_NEW_EMAIL_SQL, (user,))).fetchone()
        return email

    async def delete(self, user: UUID, purpose: Purpose) -> None:
        """Delete the token of a user for a purpose, if there is one."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "delete from auth.mail_tokens where user_id = %s and purpose = %s", (user, purpose)
            )

    async def delete_all(self, user: UUID) -> None:
        """Delete all tokens of a user, which were mailed to an address that is no longer theirs."""
        async with self._pool.connection() as connection:
            await connection.execute("delete from auth.mail_tokens where user_id = %s", (user,))

    async def consume(self, purpose: Purpose, token: str) -> UUID:
        """Use a token, which works once; returns its user. Raises InvalidMailToken."""
        async with self._pool.connection() as connection:
            return await consume(connection, purpose, token)


async def consume(connection: AsyncConnection[TupleRow], purpose: Purpose, token: str) -> UUID:
    """Use a token in the transaction of the caller; returns its user. Raises InvalidMailToken."""
    return await _fetch(connection, _CONSUME_SQL, purpose, token)


async def _fetch(connection: AsyncConnection[TupleRow], sql: str, purpose: Purpose, token: str) -> UUID:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        user: UUID | None = await (
            await cursor.execute(sql.encode(), (token_secrets.digest(token), purpose))
        ).fetchone()
    if user is None:
        raise InvalidMailToken
    return user
