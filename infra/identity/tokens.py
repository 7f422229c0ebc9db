"""Personal tokens: secrets that users make for their programs, kept as digests."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from psycopg.rows import class_row

from domain.errors import AlreadyExpired
from domain.user import Scope, TokenKind
from infra.database.pool import Pool, in_time
from infra.identity import secrets
from infra.identity.revocations import Revoked

PREFIX = "tlp_"
LONGEST_S = 2.0
"""How long anybody waits to be known by a token."""
_KEEP = """
insert into auth.tokens (id, user_id, hash, kind, scope, expires_at)
select %(id)s, %(user)s, %(hash)s, %(kind)s, %(scope)s, %(until)s
where coalesce(%(until)s::timestamptz > now(), true) returning created_at
"""
_FIND = """
select id, user_id as user, kind, scope, expires_at from auth.tokens
where hash = %s and coalesce(expires_at > now(), true)
"""
_MADE = "select id, created_at from auth.tokens where user_id = %s"
_DROP = """
with over as (delete from auth.tokens where user_id = %s and id = %s returning id)
insert into auth.revoked (id) select id from over on conflict do nothing returning id
"""


class Personal(Struct, frozen=True):
    """A token that is good: whose it is, how far it goes, and until when."""

    id: UUID
    user: UUID
    kind: TokenKind
    scope: Scope
    expires_at: datetime | None


class Tokens:
    """Keeps, finds and drops them. Times are the database's."""

    def __init__(self, pool: Pool, revoked: Revoked) -> None:
        self._pool = pool
        self._revoked = revoked

    async def keep(self, token: Personal) -> tuple[str, datetime]:
        """A new secret, for this once, and when it was made; raises AlreadyExpired."""
        made = secrets.new(PREFIX)
        row = {
            "id": token.id,
            "user": token.user,
            "hash": secrets.digest(made),
            "kind": token.kind,
            "scope": token.scope,
            "until": token.expires_at,
        }
        async with self._pool.connection() as connection:
            found = await (await connection.execute(_KEEP, row)).fetchone()
        if found is None:
            raise AlreadyExpired
        return made, found[0]

    async def find(self, sent: str) -> Personal | None:
        """The token with that secret, unless it has expired or was revoked."""
        if not sent.startswith(PREFIX):
            return None
        return await in_time(self._found(secrets.digest(sent)), LONGEST_S)

    async def _found(self, digest: bytes) -> Personal | None:
        async with self._pool.asking() as connection, connection.cursor(row_factory=class_row(Personal)) as cursor:
            return await (await cursor.execute(_FIND, (digest,), prepare=True)).fetchone()

    async def made(self, user: UUID) -> dict[UUID, datetime]:
        """When each of the user's tokens was made."""
        async with self._pool.connection() as connection:
            return dict(await (await connection.execute(_MADE, (user,))).fetchall())

    async def drop(self, user: UUID, token: UUID) -> None:
        """Have one of the user's tokens be good no more, from now on here, within a second elsewhere."""
        async with self._pool.connection() as connection:
            dropped = await (await connection.execute(_DROP, (user, token))).fetchall()
        self._revoked.add(each for (each,) in dropped)
