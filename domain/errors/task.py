"""Refusals about tasks."""

from domain.errors.refusal import Refusal


class TaskIsTrashed(Refusal):
    """The task is in the trash and cannot be changed."""


class AssigneeIsNoMember(Refusal):
    """Tasks can only be assigned to members of their workspace."""


class ChecklistItemRepeated(Refusal):
    """Each item of a checklist can be named once."""


class PlaceContradictsColumn(Refusal):
    """The task beside which it goes is in another column than the one you name."""


class StartAfterDue(Refusal):
    """A task cannot start after it is due."""


class StatusContradictsColumn(Refusal):
    """Tasks in the done column are done, and tasks outside it are open. Send one of the two, or two that agree."""


class TooManyAssignees(Refusal):
    """The task has the maximum number of assignees."""


class TooManyLabels(Refusal):
    """The task has the maximum number of labels."""
