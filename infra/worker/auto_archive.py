"""The automatic archive: archives done tasks that have not changed for as long as the rule of their project says.

A task that was changed since its row was folded has another version, and is refused.
"""

from datetime import datetime
from uuid import UUID

from commands.archive import ArchiveByRule
from commands.handling.command_on import CommandOn
from domain.errors import Refusal
from infra.reading.progress import ProjectionBehind
from infra.reading.tables import with_table_names
from infra.worker.rule_commands import RuleCommands
from projections import task_list
from projections.engine import builds
from projections.engine.connection import SyncConnection

MAX_ARCHIVED_AT_ONCE = 100
"""Few enough to be appended together without a noticeable delay for folding."""
_NIL_ID = UUID(int=0)


class AutoArchive:
    """Pages over the tasks that are due again and again, one page a call."""

    def __init__(self, database_url: str) -> None:
        self._rule = RuleCommands(database_url, ("archive", "archived"), (Refusal,))
        self._cursor = _NIL_ID

    def archive_page(self, connection: SyncConnection, now: datetime) -> bool:
        """Archive one page of tasks; returns whether there may be more."""
        numbers = {name: build.number for name, build in builds.serving_builds(connection).items()}
        try:
            sql = with_table_names(task_list.DUE_FOR_ARCHIVE_SQL, numbers)
        except ProjectionBehind:
            return True
        rows = connection.execute(sql, (now, self._cursor, MAX_ARCHIVED_AT_ONCE)).fetchall()
        is_full = len(rows) == MAX_ARCHIVED_AT_ONCE
        self._cursor = rows[-1][0] if is_full else _NIL_ID  # continue with the rest, even if some of these are refused
        if rows:
            self._rule.carry_out([[CommandOn(task, ArchiveByRule(expected_version=version))] for task, version in rows])
        return is_full
