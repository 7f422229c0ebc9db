"""The tasks of a column, which no stream has: a decision that needs them has them queried and is made again."""

from uuid import UUID

ColumnKey = tuple[UUID, str]
"""A project, and a column of it by its id."""


class ColumnTasksNotLoaded(Exception):
    """The decision needs the tasks of a column, which no stream has: query them and decide again."""

    def __init__(self, project_id: UUID, column_id: str) -> None:
        super().__init__(project_id, column_id)
        self.key: ColumnKey = project_id, column_id
