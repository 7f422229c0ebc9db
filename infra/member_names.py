"""The names of members: who is one comes from the workspace list, their names and addresses from their own streams."""

import contextlib
from collections.abc import Mapping
from typing import Final
from uuid import UUID

import psycopg

from domain.event import Event, fold
from domain.mention import PersonName
from domain.user import EmailChanged, User, UserRegistered, UserRenamed
from infra.log.event_log import EventLog
from infra.reading.progress import ProjectionBehind
from infra.reading.progress_waiting import ProgressWaiter
from infra.reading.tables import ReadTables
from projections import workspace_list

CATCH_UP_TIMEOUT_S: Final = 1.0
"""How long the read model may take to include the head of the log; then it is read as it is."""
NAME_AND_ADDRESS_EVENTS: Final[tuple[type[Event], ...]] = (UserRegistered, UserRenamed, EmailChanged)
"""The events by which a user has a name and an address."""


class MemberNameReader:
    """Reads the names of the members of a workspace."""

    def __init__(self, log: EventLog, read_tables: ReadTables, progress_waiter: ProgressWaiter) -> None:
        self._log = log
        self._read_tables = read_tables
        self._progress_waiter = progress_waiter

    async def names_in(self, workspace_id: UUID) -> Mapping[UUID, PersonName]:
        """The name and address of each member; none if the read model cannot be read."""
        try:
            members = await self._members_of(workspace_id)
        except (ProjectionBehind, psycopg.OperationalError):
            return {}
        histories = await self._log.load_events_of_types(members, NAME_AND_ADDRESS_EVENTS)
        users = ((id_, fold(User, (one.event for one in history))) for id_, history in histories.items())
        return {id_: PersonName(user.name, user.email) for id_, user in sorted(users) if user}

    async def _members_of(self, workspace_id: UUID) -> set[UUID]:
        with contextlib.suppress(ProjectionBehind):
            head = await self._log.head()
            await self._progress_waiter.wait(workspace_list.projection.name, head, CATCH_UP_TIMEOUT_S)
        rows = await self._read_tables.fetch_rows(workspace_list.MEMBERS_SQL, (workspace_id,))
        return {UUID(member) for (members,) in rows for member in members}
