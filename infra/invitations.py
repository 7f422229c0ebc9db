"""Invitations: whom they were sent to, and the digests of the tokens that prove it, beside the log."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct
from psycopg.rows import class_row

from domain.member import Role
from infra import secret
from infra.postgres import Pool

GOOD_FOR: Final = timedelta(days=14)
PREFIX: Final = "tli_"
_COLUMNS = "id, workspace_id, email, role, invited_by, created_at, expires_at, sent_at"
_OPEN = f"select {_COLUMNS} from auth.invitations where expires_at > now()"  # noqa: S608 - our own text

_NOTE = """insert into auth.invitations as noted
      (id, workspace_id, email, role, invited_by, token_hash, expires_at)
    values (%s, %s, %s, %s, %s, %s, now() + %s)
    on conflict (id) do update set token_hash = excluded.token_hash where noted.sent_at is null"""


class Invited(Struct, frozen=True):
    """An invitation that can still be accepted, and where it was sent."""

    id: UUID
    workspace_id: UUID
    email: str
    role: Role
    invited_by: UUID
    created_at: datetime
    expires_at: datetime
    sent_at: datetime | None


class Invitations:
    """Keeps what the log does not: addresses and tokens. What is here was written to the log before."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def token_of(self, invitation: UUID, workspace: UUID, email: str, role: Role, by: UUID) -> str | None:
        """Note whom an invitation is for, and make the token that proves it, which is kept nowhere.

        None where one was sent before: whoever asks again after a failure gets another one, but not two good ones.
        """
        token = secret.new(PREFIX)
        values = (invitation, workspace, email, role, by, secret.digest(token), GOOD_FOR)
        async with self._pool.connection() as connection:
            await connection.execute("delete from auth.invitations where expires_at < now()")
            noted = await connection.execute(_NOTE, values)
        return token if noted.rowcount else None

    async def sent(self, invitation: UUID) -> None:
        """The token is under way."""
        async with self._pool.connection() as connection:
            await connection.execute("update auth.invitations set sent_at = now() where id = %s", (invitation,))

    async def with_token(self, token: str) -> Invited | None:
        """The invitation that a token proves, unless it is too old."""
        return next(iter(await self._found(" and token_hash = %s", secret.digest(token))), None)

    async def one(self, invitation: UUID) -> Invited | None:
        """An invitation by its id, unless it is too old."""
        return next(iter(await self._found(" and id = %s", invitation)), None)

    async def of_workspace(self, workspace: UUID) -> list[Invited]:
        """All that can still be accepted, oldest first."""
        return await self._found(" and workspace_id = %s order by created_at, id", workspace)

    async def forget(self, invitation: UUID) -> None:
        """Keep nothing more of it: it was accepted or revoked."""
        async with self._pool.connection() as connection:
            await connection.execute("delete from auth.invitations where id = %s", (invitation,))

    async def _found(self, condition: str, value: object) -> list[Invited]:
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Invited)) as cursor:
            return await (await cursor.execute((_OPEN + condition).encode(), (value,))).fetchall()
