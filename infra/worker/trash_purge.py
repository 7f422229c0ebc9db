"""The trash purge: a rule that purges tasks and projects that were in the trash for long enough.

A workspace is purged before its projects, a project before its tasks, and a task together with its comments and time
entries, so that no half of one can be restored.
After a crash in between, the read models still name the rest. An item that was restored since they were folded has
another version, and is refused.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from commands.handling.command_on import CommandOn
from commands.trash import PurgeComment, PurgeProject, PurgeTask, PurgeTimeEntry, PurgeWorkspace
from domain.errors import NotTrashed, Purged, TooBusy, VersionConflict
from domain.instance import RULE_ACTOR
from infra.blobs.blob_store import BlobKey
from infra.identity.permission_revocations import permissions_revoked_by
from infra.reading.progress import ProjectionBehind
from infra.reading.tables import with_table_names
from infra.worker.rule_commands import RuleCommands
from projections import attachment_list, comment_list, time_entry_list, trash
from projections.engine import builds
from projections.engine.connection import SyncConnection

MAX_PURGES_AT_ONCE = 100
"""Few enough to be appended together without a noticeable delay for folding."""
_NIL_ID = UUID(int=0)
PURGE_COMMANDS: dict[str, type[PurgeTask | PurgeProject | PurgeWorkspace]] = {
    "task": PurgeTask,
    "project": PurgeProject,
    "workspace": PurgeWorkspace,
}


class TrashPurge:
    """Pages over the trash again and again, one page a call."""

    def __init__(
        self,
        database_url: str,
        announce: Callable[[Collection[UUID]], None] = lambda _: None,
        delete_blobs: Callable[[Sequence[BlobKey]], None] = lambda _: None,
    ) -> None:
        """`announce` is called with the ids whose permissions end, `delete_blobs` with the keys of purged files."""
        self._rule = RuleCommands(
            database_url,
            ("trash", "purged"),
            (NotTrashed, Purged, VersionConflict, TooBusy),  # restored or purged meanwhile, or retried later
            lambda commands: announce(permissions_revoked_by(commands, RULE_ACTOR)),
        )
        self._delete_blobs = delete_blobs
        self._due_cursor, self._orphan_cursor, self._project_cursor = 0, _NIL_ID, _NIL_ID

    def purge_page(self, connection: SyncConnection, cutoff: datetime) -> bool:
        """Purge one page of items trashed before `cutoff`; returns whether there may be more."""
        try:
            due, orphaned = self._fetch_due(connection, cutoff), self._fetch_orphaned(connection)
            projects = self._fetch_orphaned_projects(connection)
        except ProjectionBehind:
            return True
        if due or orphaned or projects:
            blobs = _fetch_blobs(connection, [one.target for one in (*due, *orphaned)])
            purged = self._rule.carry_out(_with_belongings(connection, [*due, *projects, *orphaned]))
            if keys := [key for commands in purged for key in blobs.get(commands[0].target, ())]:
                self._delete_blobs(keys)
        return max(len(due), len(orphaned), len(projects)) == MAX_PURGES_AT_ONCE

    def _fetch_due(self, connection: SyncConnection, cutoff: datetime) -> list[CommandOn]:
        rows = _fetch(connection, trash.DUE_FOR_PURGE_SQL, (self._due_cursor, cutoff, MAX_PURGES_AT_ONCE))
        self._due_cursor = (
            rows[-1][3] if len(rows) == MAX_PURGES_AT_ONCE else 0
        )  # continue with the rest, even if some of these are stuck
        return [CommandOn(one, PURGE_COMMANDS[kind](expected_version=version)) for one, kind, version, _ in rows]

    def _fetch_orphaned(self, connection: SyncConnection) -> list[CommandOn]:
        rows = _fetch(connection, trash.ORPHANED_TASKS_SQL, (self._orphan_cursor, MAX_PURGES_AT_ONCE))
        self._orphan_cursor = rows[-1][0] if len(rows) == MAX_PURGES_AT_ONCE else _NIL_ID  # as above
        return [CommandOn(task, PurgeTask(expected_version=version)) for task, version in rows]

    def _fetch_orphaned_projects(self, connection: SyncConnection) -> list[CommandOn]:
        rows = _fetch(connection, trash.ORPHANED_PROJECTS_SQL, (self._project_cursor, MAX_PURGES_AT_ONCE))
        self._project_cursor = rows[-1][0] if len(rows) == MAX_PURGES_AT_ONCE else _NIL_ID  # as above
        return [CommandOn(project, PurgeProject(expected_version=version)) for project, version in rows]


def _with_belongings(connection: SyncConnection, commands: Sequence[CommandOn]) -> list[list[CommandOn]]:
    """Each command, for a task with those for its comments and time entries."""
    tasks = [one.target for one in commands if isinstance(one.command, PurgeTask)]
    belongings = defaultdict[UUID, list[CommandOn]](list)
    for sql, purge in (
        (comment_list.IDS_ON_TASKS_SQL, PurgeComment()),
        (time_entry_list.IDS_ON_TASKS_SQL, PurgeTimeEntry()),
    ):
        for task, belonging in _fetch(connection, sql, (tasks,)):
            belongings[task].append(CommandOn(belonging, purge))
    return [[one, *belongings[one.target]] for one in commands]


def _fetch_blobs(connection: SyncConnection, tasks: Sequence[UUID]) -> dict[UUID, list[BlobKey]]:
    """The keys of the files of tasks, as far as the read model has them; the blob sweep finds the rest."""
    with suppress(ProjectionBehind):
        rows = _fetch(connection, attachment_list.IDS_OF_TASKS_SQL, (list(tasks),))
        return {task: [BlobKey(workspace, UUID(one)) for one in ids] for task, workspace, ids in rows}
    return {}


def _fetch(connection: SyncConnection, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
    numbers = {name: build.number for name, build in builds.serving_builds(connection).items()}
    return connection.execute(with_table_names(sql, numbers), parameters).fetchall()
