"""Changes in the log: the events of a command or of a bulk change, and the last changes of an actor."""

from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from typing import Any, Final, cast
from uuid import UUID

from msgspec import Struct

from domain.access import ACCESS_EVENTS
from domain.event import RecordedEvent
from domain.revert import ChangeReverted, RevertPurpose
from infra.database.pool import Pool
from infra.database.retry import retry_once
from infra.log.rows import EVENT_COLUMNS, MAX_VERSION, SELECT_EVENTS, decode_row

MAX_EVENTS: Final = 20_000
"""Of a change that is taken back, and of those that are looked through for the last changes of an actor."""
_PAGE_EVENTS: Final = 500
_SELECT_CHANGE: Final = f"""select {EVENT_COLUMNS} from (
      ({SELECT_EVENTS} where command_id = %(id)s order by notification_id limit %(rows)s)
      union
      ({SELECT_EVENTS} where causation_id = %(text)s and length(causation_id) = 36
        order by notification_id limit %(rows)s)
    ) as found order by notification_id limit %(rows)s"""  # noqa: S608 - our own text
_SELECT_REASON: Final = """select notification_id, command_id, causation_id,
      case when topic = 'ChangeReverted' then convert_from(state, 'UTF8')::json ->> 'purpose' end
    from log.events"""
_SELECT_LAST: Final = f"""{_SELECT_REASON} where actor_id = %s and actor_kind <> 'rule'
      and (actor_kind <> 'import' or on_behalf_of is null) and topic <> all(%s) and notification_id < %s
    order by notification_id desc limit %s"""
_SELECT_REST: Final = f"""{_SELECT_REASON} where command_id = %s and notification_id < %s
    order by notification_id desc"""
_IN_SESSION: Final = "correlation_id = %(session)s and length(causation_id) >= 32"
_IS_VISIBLE: Final = """(workspace_id = any(%(workspaces)s)
      or workspace_id is null and %(user)s in (actor_id, on_behalf_of)) and topic <> all(%(hidden)s)"""
_SELECT_WORKSPACES: Final = f"""select distinct workspace_id from log.events
    where {_IN_SESSION} and workspace_id is not null"""  # noqa: S608 - our own text
_SELECT_POSITIONS: Final = f"""select notification_id from log.events
    where {_IN_SESSION} and {_IS_VISIBLE} and notification_id < %(before)s
    order by notification_id desc limit %(count)s"""  # noqa: S608 - our own text
_SELECT_SESSION: Final = f"""{SELECT_EVENTS} where {_IN_SESSION} and {_IS_VISIBLE}
    order by notification_id limit %(count)s"""


class VisibleSession(Struct, frozen=True):
    """A work session, as a user sees it: their own things, and the events in workspaces that they are a member of."""

    id: UUID
    user: UUID
    workspaces: Sequence[UUID]
    hidden: Sequence[str] = ()
    """Names of events."""

    def parameters(self, **others: Any) -> dict[str, Any]:
        return {
            "session": self.id,
            "user": self.user,
            "workspaces": list(self.workspaces),
            "hidden": list(self.hidden),
            **others,
        }


class ActorChange(Struct, frozen=True):
    """A change of an actor: the command that made it, or the bulk change; and why, if it took another one back."""

    id: UUID
    purpose: RevertPurpose | None


class Changes:
    """Finds changes in the log."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def load(self, change_id: UUID) -> list[RecordedEvent]:
        """The events of a change, in their order; of too many, the first and one more. Raises UnknownEvent.

        A revert has the change that it took back as its cause, but is none of its commands.
        """
        wanted = {"id": change_id, "text": str(change_id), "rows": MAX_EVENTS + 1}
        found = [decode_row(row) for row in await self._fetch(_SELECT_CHANGE, wanted)]
        reverts = {one.command_id for one in found if isinstance(one.event, ChangeReverted)} - {change_id}
        return [one for one in found if one.command_id not in reverts]

    async def workspaces_of_session(self, session_id: UUID) -> list[UUID]:
        """The workspaces of the events of a work session."""
        return [workspace for (workspace,) in await self._fetch(_SELECT_WORKSPACES, {"session": session_id})]

    async def positions_in(self, session: VisibleSession, before: int, count: int) -> list[int]:
        """The positions of the events of a work session before another one, newest first."""
        rows = await self._fetch(_SELECT_POSITIONS, session.parameters(before=before, count=count))
        return [position for (position,) in rows]

    async def load_session(self, session: VisibleSession) -> list[RecordedEvent]:
        """The events of a work session, in their order; of too many, the first and one more. Raises UnknownEvent."""
        rows = await self._fetch(_SELECT_SESSION, session.parameters(count=MAX_EVENTS + 1))
        return [decode_row(row) for row in rows]

    async def last_of(self, actor_id: UUID) -> AsyncIterator[ActorChange]:
        """The last changes of an actor, newest first, as far as its last events reach; access changes nothing."""
        before, seen, access = MAX_VERSION, set[UUID](), [kind.__name__ for kind in ACCESS_EVENTS]
        for _ in range(MAX_EVENTS // _PAGE_EVENTS):
            rows = await self._fetch(_SELECT_LAST, (actor_id, access, before, _PAGE_EVENTS))
            if (
                len(rows) == _PAGE_EVENTS
            ):  # the rest of the last command, which has the reason first, is on the next page
                rows = [*rows, *await self._fetch(_SELECT_REST, (rows[-1][1], rows[-1][0]))]
            for change in _changes_in(rows):
                if change.id not in seen:
                    seen.add(change.id)
                    yield change
            if len(rows) < _PAGE_EVENTS:
                return
            before = rows[-1][0]

    async def _fetch(self, sql: str, parameters: Any) -> Sequence[tuple[Any, ...]]:
        async def execute() -> list[tuple[Any, ...]]:
            async with self._pool.connection() as connection, connection.cursor(binary=True) as cursor:
                await cursor.execute(cast("Any", sql), parameters, prepare=True)
                return await cursor.fetchall()

        return await retry_once(execute)


def _changes_in(rows: Sequence[tuple[Any, ...]]) -> list[ActorChange]:
    """The changes of events, newest first. What a revert took back first says why: more may be taken back with it."""
    changes = []
    for command_id, of_command in groupby(rows, key=lambda row: cast("UUID", row[1])):
        events = [*of_command]
        purposes = [purpose for *_, purpose in events if purpose]
        id_ = command_id if purposes else change_id_of(command_id, events[0][2])
        changes.append(ActorChange(id_, purposes[-1] if purposes else None))
    return changes


def change_id_of(command_id: UUID, causation_id: str | None) -> UUID:
    """The change that a command belongs to, unless it takes one back: a bulk change is its cause, or it is its own."""
    is_bulk = causation_id is not None and len(causation_id) == len(str(command_id))
    return UUID(causation_id) if is_bulk else command_id
