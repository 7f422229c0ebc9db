"""Personal tokens: secrets that users create for their programs, stored as digests."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from psycopg.rows import class_row

from domain.errors import AlreadyExpired
from domain.user import TokenKind, TokenScope
from infra import time_budget
from infra.database.pool import Pool, run_with_timeout
from infra.identity import token_secrets
from infra.identity.revocations import RevokedIds

PERSONAL_PREFIX = "tlp_"
_INSERT_SQL = """
insert into auth.tokens (id, user_id, hash, kind, scope, expires_at)
select %(id)s, %(user)s, %(hash)s, %(kind)s, %(scope)s, %(until)s
where coalesce(%(until)s::timestamptz > now(), true) returning created_at
"""
_FIND_SQL = """
select id, user_id as user, kind, scope, expires_at from auth.tokens
where hash = %s and coalesce(expires_at > now(), true)
"""
_CREATION_TIMES_SQL = "select id, created_at from auth.tokens where user_id = %s"
_REVOKE_ALL_SQL = """
with over as (delete from auth.tokens where user_id = %s returning id)
insert into auth.revoked (id) select id from over on conflict do nothing returning id
"""
_REVOKE_SQL = """
with over as (delete from auth.tokens where user_id = %s and id = %s returning id)
insert into auth.revoked (id) select id from over on conflict do nothing returning id
"""


class TokenRecord(Struct, frozen=True):
    """A valid token: its user, its kind and scope, and when it expires."""

    id: UUID
    user: UUID
    kind: TokenKind
    scope: TokenScope
    expires_at: datetime | None


class PersonalTokens:
    """Issues, finds and revokes personal tokens. All times come from the database clock."""

    def __init__(self, pool: Pool, revoked_ids: RevokedIds) -> None:
        self._pool = pool
        self._revoked_ids = revoked_ids

    async def issue(self, record: TokenRecord) -> tuple[str, datetime]:
        """Store a new token. Return its secret, which is not stored, and its creation time. Raises AlreadyExpired."""
        new_token = token_secrets.generate(PERSONAL_PREFIX)
        row = {
            "id": record.id,
            "user": record.user,
            "hash": token_secrets.digest(new_token),
            "kind": record.kind,
            "scope": record.scope,
            "until": record.expires_at,
        }
        async with self._pool.connection() as connection:
            found = await (await connection.execute(_INSERT_SQL, row)).fetchone()
        if found is None:
            raise AlreadyExpired
        return new_token, found[0]

    async def find(self, token: str) -> TokenRecord | None:
        """The token with that secret, unless it has expired or was revoked."""
        if not token.startswith(PERSONAL_PREFIX):
            return None
        return await run_with_timeout(self._fetch(token_secrets.digest(token)), time_budget.READ_S)

    async def _fetch(self, digest: bytes) -> TokenRecord | None:
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(TokenRecord)) as cursor,
        ):
            return await (await cursor.execute(_FIND_SQL, (digest,), prepare=True)).fetchone()

    async def creation_times(self, user: UUID) -> dict[UUID, datetime]:
        """The creation time of each of the user's tokens."""
        async with self._pool.connection() as connection:
            return dict(await (await connection.execute(_CREATION_TIMES_SQL, (user,))).fetchall())

    async def revoke(self, user: UUID, token_id: UUID) -> None:
        """Revoke one of the user's tokens: at once in this process, within a second in the others."""
        async with self._pool.connection() as connection:
            revoked = await (await connection.execute(_REVOKE_SQL, (user, token_id))).fetchall()
        self._revoked_ids.add(each for (each,) in revoked)

    async def revoke_all(self, user: UUID) -> None:
        """Revoke all of the user's tokens: at once in this process, within a second in the others."""
        async with self._pool.connection() as connection:
            revoked = await (await connection.execute(_REVOKE_ALL_SQL, (user,))).fetchall()
        self._revoked_ids.add(each for (each,) in revoked)
