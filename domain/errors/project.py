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


class ColumnHasTasks(Refusal):
    """A column that you leave out still has tasks. Say with move where they go, or with keep that they stay."""


class ColumnStays(Refusal):
    """Tasks are moved out of columns that you leave out, and this one stays."""


class TooManyTasksToMove(Refusal):
    """The column has too many tasks to move them all at once. Keep them there, and move them in several steps."""


class TooManyTasksToCopy(Refusal):
    """The project has too many tasks to copy them all at once. Copy it without its tasks, or archive some."""


class MoreTasksDone(Refusal):
    """The column has more done tasks than one command archives. Send it again for the rest."""


class SeveralDoneColumns(Refusal):
    """Only one column of a board can be the done column."""


class ColumnRepeated(Refusal):
    """Two columns have the same name or the same id."""


class UnknownCustomField(Refusal):
    """The project has no such custom field."""


class FieldTypeIsFixed(Refusal):
    """The type of a field cannot be changed. Leave the field out, and then add another."""


class FieldRepeated(Refusal):
    """Two fields, or two options of one, have the same name or the same id."""


class OptionsContradictType(Refusal):
    """A field of the type choice or choices has options, and any other has none."""
