"""Invitations: whom they were sent to, and the digests of the tokens that prove it, beside the log."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct
from psycopg.rows import class_row

from domain.event import State, fold
from domain.invitation import Invitation
from domain.member import Role
from infra.database.pool import Pool
from infra.identity import secrets
from infra.log import EventLog
from projections.pagination import TimeSortKey

GOOD_FOR: Final = timedelta(days=14)
SENDING: Final = timedelta(minutes=1)
"""How long a mail may be under way before somebody else may send it: whoever did was cut off."""
PREFIX: Final = "tli_"
_COLUMNS = "id, workspace_id, email, role, invited_by, created_at, expires_at, sent_at"
_YOUNG = f"select {_COLUMNS} from auth.invitations where expires_at > now()"  # noqa: S608 - our own text
_AFTER = " and workspace_id = %s and (created_at, id) > (%s, %s) order by created_at, id limit %s"

_NOTE = """insert into auth.invitations as noted
      (id, workspace_id, email, role, invited_by, token_hash, created_at, expires_at, sending_since)
    select %(id)s, %(workspace_id)s, %(email)s, %(role)s, %(invited_by)s, %(hash)s, %(at)s, %(until)s, now()
    where %(until)s > now()
    on conflict (id) do update set token_hash = excluded.token_hash, sending_since = now()
    where noted.sent_at is null and coalesce(noted.sending_since < now() - %(patience)s, true)"""


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
    """Keeps what the log does not: addresses and tokens. Whether an invitation is open the log says, and no row."""

    def __init__(self, pool: Pool, log: EventLog) -> None:
        self._pool = pool
        self._log = log

    async def token_of(self, invitation: UUID, email: str) -> str | None:
        """Note whom an open invitation is for, and make the token that proves it, which is kept nowhere.

        None where it is not open, or one was sent, or is under way: there are never two good ones. Whoever asks again
        after a failure gets another one.
        """
        history = await self._log.stream(invitation)
        state = fold(Invitation, (recorded.event for recorded in history))
        if state is None or state.stage != "open":
            return None
        token, made = secrets.new(PREFIX), history[0]
        row = {
            "id": invitation,
            "workspace_id": state.workspace_id,
            "email": email,
            "role": state.role,
            "invited_by": made.actor.person,
            "hash": secrets.digest(token),
            "at": made.at,
            "until": made.at + GOOD_FOR,
            "patience": SENDING,
        }
        async with self._pool.connection() as connection:
            await connection.execute("delete from auth.invitations where expires_at < now()")
            noted = await connection.execute(_NOTE, row)
        return token if noted.rowcount else None

    async def sent(self, invitation: UUID) -> None:
        """The token was taken by the mail server."""
        async with self._pool.connection() as connection:
            await connection.execute("update auth.invitations set sent_at = now() where id = %s", (invitation,))

    async def unsent(self, invitation: UUID) -> None:
        """It was not: whoever asks again has another try."""
        async with self._pool.connection() as connection:
            await connection.execute("update auth.invitations set sending_since = null where id = %s", (invitation,))

    async def with_token(self, token: str) -> Invited | None:
        """The open invitation that a token proves, unless it is too old."""
        return await self._one(" and token_hash = %s", secrets.digest(token))

    async def one(self, invitation: UUID) -> Invited | None:
        """An open invitation by its id, unless it is too old."""
        return await self._one(" and id = %s", invitation)

    async def of_workspace(self, workspace: UUID, after: TimeSortKey, wanted: int) -> list[Invited]:
        """Those that can still be accepted, oldest first, after a place: so many, or fewer where there are no more."""
        found = list[Invited]()
        while True:
            noted = await self._noted(_AFTER, workspace, after.created_at, after.id, wanted)
            found += await self._open(noted)
            if len(found) >= wanted or len(noted) < wanted:
                return found[:wanted]
            after = place(noted[-1])

    async def forget(self, invitation: UUID) -> None:
        """Keep nothing more of it: it was accepted or revoked."""
        async with self._pool.connection() as connection:
            await connection.execute("delete from auth.invitations where id = %s", (invitation,))

    async def _one(self, condition: str, value: object) -> Invited | None:
        return next(iter(await self._open(await self._noted(condition, value))), None)

    async def _noted(self, condition: str, *values: object) -> list[Invited]:
        """Those that are young enough, open or not."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Invited)) as cursor:
            return await (await cursor.execute((_YOUNG + condition).encode(), values)).fetchall()

    async def _open(self, rows: Sequence[Invited]) -> list[Invited]:
        known = await self._log.known([(row.id, Invitation) for row in rows]) if rows else []
        return [row for row, found in zip(rows, known, strict=True) if _is_open(found.states[Invitation])]


def place(invited: Invited) -> TimeSortKey:
    return TimeSortKey(invited.created_at, invited.id)


def _is_open(state: State | None) -> bool:
    return isinstance(state, Invitation) and state.stage == "open"
