"""Refusals about tasks."""

from domain.errors.refusal import Refusal


class TaskDoesNotRecur(Refusal):
    """The task does not recur."""


class TaskIsTrashed(Refusal):
    """The task is in the trash and cannot be changed."""


class TaskIsArchived(Refusal):
    """The task is archived. Bring it back before you change it."""


class AssigneeIsNoMember(Refusal):
    """Tasks can only be assigned to members of their workspace."""


class ChecklistItemRepeated(Refusal):
    """Each item of a checklist can be named once."""


class HasOpenChildren(Refusal):
    """The task has open sub-tasks. Complete them first, or ask for all to be completed."""


class MakesACycle(Refusal):
    """A task cannot be below itself, nor wait for itself."""


class ParentIsArchived(Refusal):
    """The parent of the task is archived."""


class ParentIsElsewhere(Refusal):
    """A task and its parent are in one project."""


class ParentIsTrashed(Refusal):
    """The parent of the task is in the trash."""


class RelatesToItself(Refusal):
    """A relation is between two tasks."""


class TooManyRelations(Refusal):
    """The task has as many relations as a task can have."""


class InvalidRecurrenceRule(Refusal):
    """Tasks cannot recur by this rule."""


class FieldValueInvalid(Refusal):
    """The custom field does not take this value."""


class PlaceContradictsColumn(Refusal):
    """The task beside which it goes is in another column than the one you name."""


class RecurrenceNeedsDue(Refusal):
    """A task that recurs needs a due date."""


class RecurrenceNeverOccurs(Refusal):
    """There is no date to which this rule leads."""


class SeriesIsOver(Refusal):
    """The series has no further date."""


class StartAfterDue(Refusal):
    """A task cannot start after it is due."""


class StatusContradictsColumn(Refusal):
    """Tasks in the done column are done, and tasks outside it are open. Send one of the two, or two that agree."""


class TooManyAssignees(Refusal):
    """The task has the maximum number of assignees."""


class TooManySubtasks(Refusal):
    """One command takes along a limited number of sub-tasks."""


class TooManyLabels(Refusal):
    """The task has the maximum number of labels."""
