"""Purging: what has been in the trash for long enough is gone, by a rule and not by a person.

A project goes first and its tasks after it, so that nobody can take back a half of one. Whatever ends in between, the
read models still say what is left; and what was taken out of the trash since they were folded has another version.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from commands.handling.decision import Wish
from commands.handling.group import Order
from commands.handling.handler import Handling
from commands.trash import PurgeProject, PurgeTask
from domain.errors import NotTrashed, Purged, TooBusy, VersionConflict
from domain.event import Trace
from domain.user import RULES
from infra.database.pool import pool
from infra.identity.permission_revocations import ended_by
from infra.ids import new_id
from infra.log import EventLog
from infra.logs import logger
from infra.reading.progress import Behind
from infra.reading.tables import named
from projections import trash
from projections.engine import builds
from projections.engine.builds import SyncConnection

MOST = 100
"""So many at once: they ride together, and folding waits for them no longer than for a hiccup."""
_FIRST = UUID(int=0)
PURGES: dict[str, type[PurgeTask | PurgeProject]] = {"task": PurgeTask, "project": PurgeProject}


class Purging:
    """One pass after the other over the trash, a piece at each look."""

    def __init__(self, database_url: str, tell: Callable[[Collection[UUID]], None] = lambda _: None) -> None:
        """`tell` is called with what nobody may see any more."""
        self._url = database_url
        self._tell = tell
        self._after, self._left_after = 0, _FIRST
        self._stuck: set[UUID] = set()

    def look(self, connection: SyncConnection, before: datetime) -> bool:
        """Purge what was trashed before a time, so much at most; answers whether there may be more."""
        try:
            due, left = self._due(connection, before), self._left_behind(connection)
        except Behind:
            return True
        if due or left:
            asyncio.run(self._carry_out([*due, *left]))
        return max(len(due), len(left)) == MOST

    def _due(self, connection: SyncConnection, before: datetime) -> list[Wish]:
        rows = _asked(connection, trash.DUE_FOR_PURGE_SQL, (self._after, before, MOST))
        self._after = rows[-1][3] if len(rows) == MOST else 0  # on with the rest, even if some of these are stuck
        return [Wish(one, PURGES[kind](expected_version=version)) for one, kind, version, _ in rows]

    def _left_behind(self, connection: SyncConnection) -> list[Wish]:
        rows = _asked(connection, trash.ORPHANED_TASKS_SQL, (self._left_after, MOST))
        self._left_after = rows[-1][0] if len(rows) == MOST else _FIRST  # as above
        return [Wish(task, PurgeTask(expected_version=version)) for task, version in rows]

    async def _carry_out(self, wishes: Sequence[Wish]) -> None:
        async with pool(self._url) as connections:
            handling = Handling(EventLog(self._url, connections))
            await asyncio.gather(*(self._purge(handling, wish) for wish in wishes))

    async def _purge(self, handling: Handling, wish: Wish) -> None:
        """One of them: what is wrong with it alone, as an event that nobody can read, is no reason to keep the rest."""
        try:
            await handling.handle(Order([wish], RULES, new_id(), trace=Trace(causation_id="trash")))
            self._tell(ended_by([wish], RULES))
        except (NotTrashed, Purged, VersionConflict, TooBusy):
            pass  # it is not in the trash any more, or gone already; or its turn comes again
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to this one
            if wish.target not in self._stuck:
                logger.warning("{} cannot be purged: {}: {}", wish.target, type(error).__name__, error)
            self._stuck.add(wish.target)


def _asked(connection: SyncConnection, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
    numbers = {name: build.number for name, build in builds.serving_builds(connection).items()}
    return connection.execute(named(sql, numbers), parameters).fetchall()
