"""Invitations: the addresses they were sent to, and the digests of their tokens, stored outside the log."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct
from psycopg.rows import class_row

from domain.email_address import are_same_email, normalize_email
from domain.errors import InvitedElsewhere
from domain.event import State, fold
from domain.invitation import Invitation
from domain.member import Role
from infra.database.pool import Pool
from infra.identity import token_secrets
from infra.log.event_log import EventLog
from projections.pagination import TimeSortKey

INVITATION_LIFETIME: Final = timedelta(days=14)
SENDING_TIMEOUT: Final = timedelta(minutes=1)
"""How long a mail may be in sending. After that its sender counts as crashed, and another may send it."""
INVITATION_PREFIX: Final = "tli_"
_COLUMNS = "id, workspace_id, email, role, invited_by, created_at, expires_at, sent_at"
_UNEXPIRED_SQL = f"select {_COLUMNS} from auth.invitations where expires_at > now()"  # noqa: S608 - our own text
_PAGE_SQL = " and workspace_id = %s and (created_at, id) > (%s, %s) order by created_at, id limit %s"
_REPLACED_SQL = """ and exists (
      select from auth.invitations this join auth.invitations newer using (workspace_id)
      where this.id = %s and (newer.id = this.id or newer.sent_at is not null)
      and invitations.workspace_id = this.workspace_id
      and coalesce(newer.address, lower(newer.email)) = coalesce(this.address, lower(this.email))
      and coalesce(invitations.address, lower(invitations.email)) = coalesce(this.address, lower(this.email))
      and (newer.created_at, newer.id) > (invitations.created_at, invitations.id))
    and (%s or sent_at is null) order by created_at, id limit 100"""

_UPSERT_SQL = """insert into auth.invitations as noted
      (id, workspace_id, email, address, role, invited_by, token_hash, created_at, expires_at, sending_since)
    select %(id)s, %(workspace_id)s, %(email)s, %(address)s, %(role)s, %(invited_by)s,
      %(hash)s, %(at)s, %(until)s, now()
    where %(until)s > now()
    on conflict (id) do update set token_hash = excluded.token_hash, sending_since = now()
    where noted.sent_at is null and coalesce(noted.sending_since < now() - %(patience)s, true)"""


class InvitationRecord(Struct, frozen=True):
    """An invitation that can still be accepted, and the address it was sent to."""

    id: UUID
    workspace_id: UUID
    email: str
    role: Role
    invited_by: UUID
    created_at: datetime
    expires_at: datetime
    sent_at: datetime | None


class Invitations:
    """Stores what the log does not: addresses and tokens. Only the log says whether an invitation is open."""

    def __init__(self, pool: Pool, log: EventLog) -> None:
        self._pool = pool
        self._log = log

    async def create_token(self, invitation: UUID, email: str) -> str | None:
        """Store the address of an open invitation and generate its token, of which only the digest is stored.

        None if the invitation is not open, or its token was sent or is being sent: an invitation never has two valid
        tokens. A retry after a failure gets a new token.
        """
        history = await self._log.load_stream(invitation)
        state = fold(Invitation, (recorded.event for recorded in history))
        if state is None or state.stage != "open":
            return None
        token, created = token_secrets.generate(INVITATION_PREFIX), history[0]
        row = {
            "id": invitation,
            "workspace_id": state.workspace_id,
            "email": email,
            "address": normalize_email(email),
            "role": state.role,
            "invited_by": created.actor.user_id,
            "hash": token_secrets.digest(token),
            "at": created.at,
            "until": created.at + INVITATION_LIFETIME,
            "patience": SENDING_TIMEOUT,
        }
        async with self._pool.connection() as connection:
            await connection.execute("delete from auth.invitations where expires_at < now()")
            upserted = await connection.execute(_UPSERT_SQL, row)
        return token if upserted.rowcount else None

    async def mark_sent(self, invitation: UUID, *, is_mailed: bool) -> None:
        """Record that the mail server accepted the mail with the token, or that the token was printed instead."""
        async with self._pool.connection() as connection:
            sql = "update auth.invitations set sent_at = now(), is_mailed = %s where id = %s"
            await connection.execute(sql, (is_mailed, invitation))

    async def was_mailed(self, invitation: UUID) -> bool:
        """Whether a mail server accepted its token, so that its holder receives the mail of the address."""
        async with self._pool.connection() as connection:
            sql = "select 1 from auth.invitations where id = %s and is_mailed"
            return await (await connection.execute(sql, (invitation,))).fetchone() is not None

    async def mark_unsent(self, invitation: UUID) -> None:
        """Record that sending failed, so that it may be retried at once."""
        async with self._pool.connection() as connection:
            await connection.execute("update auth.invitations set sending_since = null where id = %s", (invitation,))

    async def find_by_token(self, token: str, email: str) -> InvitationRecord | None:
        """The open invitation with this token; raises InvitedElsewhere if it was sent to another address."""
        invited = await self._find_open(" and token_hash = %s", token_secrets.digest(token))
        if invited and not are_same_email(invited.email, email):
            raise InvitedElsewhere
        return invited

    async def find(self, invitation: UUID) -> InvitationRecord | None:
        """An open invitation by its id, unless it has expired."""
        return await self._find_open(" and id = %s", invitation)

    async def list_for_workspace(self, workspace: UUID, after: TimeSortKey, limit: int) -> list[InvitationRecord]:
        """Up to `limit` invitations that can still be accepted, oldest first, starting after the sort key `after`."""
        found = list[InvitationRecord]()
        while True:
            unexpired = await self._fetch_unexpired(_PAGE_SQL, workspace, after.created_at, after.id, limit)
            found += await self._filter_open(unexpired)
            if len(found) >= limit or len(unexpired) < limit:
                return found[:limit]
            after = sort_key(unexpired[-1])

    async def list_replaced_by(self, invitation: UUID, *, is_sent: bool) -> list[InvitationRecord]:
        """The open invitations to its address in its workspace that are older than it, or than one that was sent.

        If it was not sent, only those not sent either. It may be one of them itself: of several at the same time, the
        last that asks sees all that were sent, and the newest of these stays.
        """
        older = await self._fetch_unexpired(_REPLACED_SQL, invitation, is_sent)
        return await self._filter_open(older)

    async def delete(self, invitation: UUID) -> None:
        """Delete the address and token of an invitation that was accepted or revoked."""
        async with self._pool.connection() as connection:
            await connection.execute("delete from auth.invitations where id = %s", (invitation,))

    async def _find_open(self, condition: str, value: object) -> InvitationRecord | None:
        return next(iter(await self._filter_open(await self._fetch_unexpired(condition, value))), None)

    async def _fetch_unexpired(self, condition: str, *values: object) -> list[InvitationRecord]:
        """Invitations that have not expired, whether they are open or not."""
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(InvitationRecord)) as cursor,
        ):
            return await (await cursor.execute((_UNEXPIRED_SQL + condition).encode(), values)).fetchall()

    async def _filter_open(self, rows: Sequence[InvitationRecord]) -> list[InvitationRecord]:
        states = await self._log.load_states([(row.id, Invitation) for row in rows]) if rows else []
        return [row for row, found in zip(rows, states, strict=True) if _is_open(found.states[Invitation])]


def sort_key(invited: InvitationRecord) -> TimeSortKey:
    return TimeSortKey(invited.created_at, invited.id)


def _is_open(state: State | None) -> bool:
    return isinstance(state, Invitation) and state.stage == "open"
