"""An imported board as the read tables have it, now and at times of the past, for comparison with its export."""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any

import psycopg
from msgspec import Struct

from domain.former_member import FormerMemberNamed
from infra.log import moments
from infra.settings import Settings
from projections import comment_list, project_list
from projections.engine.connection import SyncConnection
from projections.moment import Moment
from projections.task_list import projection
from tests.cli.import_.boards.rewinding import instant
from tests.projections import oracle

BoardTask = tuple[Any, ...]


class ImportedProject(Struct, frozen=True):
    """A project by its key."""

    connection: SyncConnection
    settings: Settings
    key: str = "PAST"

    def board(self, at: datetime | None = None) -> Counter[BoardTask]:
        """The tasks in the shape of the oracle."""
        projects = [row for row in self.rows(project_list.projection, at) if row.key == self.key]
        columns = {column.id: column.name for project in projects for column in project.columns}
        people = {
            one.stream: one.event.name
            for one in oracle.all_events(self.connection)
            if isinstance(one.event, FormerMemberNamed)
        }
        comments = sorted(self.rows(comment_list.projection, at), key=lambda row: (row.created_at, row.id))
        return Counter(
            (
                " ".join(task.title.split()),
                task.description,
                instant(task.due),
                columns[task.column],
                task.archived,
                task.status == "done",
                tuple(sorted(people.get(person, "") for person in task.assignees)),
                tuple(comment.text for comment in comments if comment.task_id == task.id),
            )
            for task in self.tasks(at)
        )

    def tasks(self, at: datetime | None = None) -> list[Any]:
        """The tasks outside the trash, in the order of the project."""
        found = (row for row in self.rows(projection, at) if row.key.startswith(f"{self.key}-") and not row.trashed)
        return sorted(found, key=lambda row: row.rank)

    def labels(self) -> Counter[tuple[str, ...]]:
        return Counter(tuple(sorted(label.casefold() for label in task.labels)) for task in self.tasks())

    def checklists(self) -> Counter[tuple[tuple[str, bool], ...]]:
        return Counter(tuple((item.text, item.done) for item in task.checklist) for task in self.tasks())

    def order(self) -> dict[str, list[str]]:
        """The titles of the tasks outside the archive by column, in their order."""
        (project,) = [row for row in self.rows(project_list.projection) if row.key == self.key]
        names, found = {column.id: column.name for column in project.columns}, dict[str, list[str]]()
        for task in self.tasks():
            if not task.archived:
                found.setdefault(names[task.column], []).append(" ".join(task.title.split()))
        return found

    def rows(self, of: Any, at: datetime | None = None) -> list[Any]:
        if at is None:
            return list(oracle.serving_rows(self.connection, of).values())
        return list(oracle.past_rows(self.connection, of, asyncio.run(self._moment(at))).values())

    async def _moment(self, at: datetime) -> Moment:
        async with await psycopg.AsyncConnection.connect(self.settings.database_url, autocommit=True) as connection:
            return (await moments.moment_at(connection, at))[0]
