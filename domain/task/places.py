"""Where a task is: the events that move it, and the column that each event leaves or enters."""

from collections.abc import Mapping
from uuid import UUID

from domain.custom_field import FieldValue
from domain.event import Change, Event
from domain.rank import RankPlace
from domain.task.fields import TaskCreated
from domain.task.lifecycle import TaskArchived, TaskRestored, TaskTrashed, TaskUnarchived
from domain.task.status import TaskStatus


class TaskMoved(Event, frozen=True):
    project_id: Change[UUID]
    column: Change[str]
    status: TaskStatus
    rank: Change[str] = Change("", "")
    place: RankPlace = "bottom"
    beside: UUID | None = None


class TaskMovedToProject(Event, frozen=True):
    """To another project of the workspace, with a new key; the old one still leads to the task.

    Its values of custom fields are by the ids of the fields of the new project. `is_on_board`: it is neither in the
    trash nor archived.
    """

    project_id: Change[UUID]
    key: Change[str]
    column: Change[str]
    rank: Change[str]
    fields: Change[Mapping[str, FieldValue]]
    number: int
    status: TaskStatus
    title: str
    is_on_board: bool = True


class TaskRanked(Event, frozen=True):
    """Within its column: the place that was asked for, and the rank for it."""

    rank: Change[str]
    place: RankPlace
    beside: UUID | None = None


Place = tuple[UUID, str]
"""A column, with its project."""


def places_of(event: Event) -> tuple[Place | None, Place | None]:  # noqa: PLR0911 - a line for each kind
    """The place that a task left with this event, and the one that it entered; None outside every board."""
    match event:
        case TaskCreated(project_id=project, column=column):
            return None, (project, column)
        case TaskMovedToProject(is_on_board=False):
            return None, None
        case TaskMoved(project_id=project, column=column) | TaskMovedToProject(project_id=project, column=column):
            return (project.old, column.old), (project.new, column.new)
        case TaskTrashed(archived=True) | TaskRestored(archived=True):
            return None, None
        case TaskTrashed(project_id=project, column=column) | TaskArchived(project_id=project, column=column):
            return (project, column), None
        case TaskRestored(project_id=project, column=moved) | TaskUnarchived(project_id=project, column=moved):
            return None, (project, moved.new)
    return None, None
