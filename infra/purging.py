"""Purging: what has been in the trash for long enough is gone, by a rule and not by a person.

A project goes first and its tasks after it, so that nobody can take back a half of one. Whatever ends in between, the
read models still say what is left; and what was taken out of the trash since they were folded has another version.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from commands.decision import Wish
from commands.group import Order
from commands.handling import Handling
from commands.trash import PurgeProject, PurgeTask
from domain.errors import Refusal
from domain.event import Trace
from domain.user import RULES
from infra.ids import new_id
from infra.log import EventLog
from infra.postgres import pool
from infra.projected import Behind
from infra.reading import named
from projections import trash
from projections.engine import builds
from projections.engine.builds import Database

MOST = 100
"""So many at once: they ride together, and folding waits for them no longer than for a hiccup."""
PURGES: dict[str, type[PurgeTask | PurgeProject]] = {"task": PurgeTask, "project": PurgeProject}


class Purging:
    """One pass after the other over the trash, a piece at each look."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._after = 0

    def look(self, connection: Database, before: datetime) -> bool:
        """Purge what was trashed before a time, so much at most; answers whether there may be more."""
        try:
            due, left = self._due(connection, before), self._left_behind(connection)
        except Behind:
            return True
        if due or left:
            asyncio.run(self._carry_out([*due, *left]))
        return max(len(due), len(left)) == MOST

    def _due(self, connection: Database, before: datetime) -> list[Wish]:
        rows = _asked(connection, trash.DUE, (self._after, before, MOST))
        self._after = rows[-1][3] if len(rows) == MOST else 0  # on with the rest, even if some of these are stuck
        return [Wish(one, PURGES[kind](expected_version=version)) for one, kind, version, _ in rows]

    def _left_behind(self, connection: Database) -> list[Wish]:
        rows = _asked(connection, trash.LEFT_BEHIND, (MOST,))
        return [Wish(task, PurgeTask(expected_version=version)) for task, version in rows]

    async def _carry_out(self, wishes: Sequence[Wish]) -> None:
        async with pool(self._url) as connections:
            handling = Handling(EventLog(self._url, connections))
            await asyncio.gather(*(_purge(handling, wish) for wish in wishes))


async def _purge(handling: Handling, wish: Wish) -> None:
    """One of them; who says no has seen that it is not in the trash any more, or gone already."""
    with contextlib.suppress(Refusal):
        await handling.handle(Order([wish], RULES, new_id(), trace=Trace(causation_id="trash")))


def _asked(connection: Database, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
    numbers = {name: build.number for name, build in builds.serving(connection).items()}
    return connection.execute(named(sql, numbers), parameters).fetchall()
