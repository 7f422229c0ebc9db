"""Refusals about projects and their columns."""

from domain.errors.refusal import Refusal


class ProjectIsArchived(Refusal):
    """The project is archived. Restore it before you change anything in it."""


class ProjectIsTrashed(Refusal):
    """The project is in the trash and cannot be changed."""


class ProjectKeyTaken(Refusal):
    """Another project of this workspace has this key."""


class UnknownColumn(Refusal):
    """The project has no such column."""


class ColumnIsFull(Refusal):
    """The column has reached its limit. Finish or move a task first."""


class ColumnNotCounted(Refusal):
    """The tasks of this column are not counted yet. Set its limit in one call and fill it in the next."""


class ColumnRepeated(Refusal):
    """Two columns have the same name or the same id."""
