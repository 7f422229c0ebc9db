"""The events that change one field of a task: its place on the board, its status, its labels, its assignees."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from commands.column_counts import enter_column, leave_column
from commands.command import DecisionContext, OtherStreamEvent
from domain.column import Column
from domain.errors import AssigneeIsNoMember, UnknownColumn
from domain.event import Change, Event
from domain.label import distinct_labels, normalize_label, remove_label
from domain.member import Member, member_stream_id
from domain.project import Project
from domain.task import (
    Task,
    TaskAssigned,
    TaskCompleted,
    TaskLabelled,
    TaskMoved,
    TaskReopened,
    TaskStatus,
    TaskUnassigned,
    TaskUnlabelled,
)


def move(
    task: Task, project: Project, column: Column, status: TaskStatus, context: DecisionContext
) -> Iterator[Event | OtherStreamEvent]:
    """The events of a task that goes to another column with this status; none if it is there."""
    if column.id == task.column:
        return
    yield from leave_column(task.project_id, project, task.column, context)
    yield from enter_column(task.project_id, project, column, context)
    yield TaskMoved(Change(task.project_id, task.project_id), Change(task.column, column.id), status)


def set_status(task: Task, status: TaskStatus) -> Iterator[Event]:
    """The event of a task that is completed or reopened; none if it has this status."""
    if status != task.status:
        yield (TaskCompleted if status == "done" else TaskReopened)(task.project_id, task.column)


def set_labels(task: Task, labels: Sequence[str]) -> Iterator[Event]:
    """An event for each label that is removed or added; one that the task has, in any spelling, stays as it is."""
    wanted, current = distinct_labels(labels), task.labels
    wanted_forms = set(map(normalize_label, wanted))
    for label in task.labels:
        if normalize_label(label) not in wanted_forms:
            others = remove_label(current, label)
            yield TaskUnlabelled(label, Change(current, others))
            current = others
    for label in wanted:
        if remove_label(current, label) == current:
            yield TaskLabelled(label, Change(current, (*current, label)))
            current = (*current, label)


def set_assignees(task: Task, users: Sequence[UUID], context: DecisionContext) -> Iterator[Event]:
    """An event for each user who is unassigned or assigned; raises AssigneeIsNoMember."""
    current = task.assignees
    for user in task.assignees:
        if user not in users:
            others = tuple(each for each in current if each != user)
            yield TaskUnassigned(user, Change(current, others))
            current = others
    for user in dict.fromkeys(users):
        if user not in current:
            require_assignable(task.workspace_id, user, context)
            yield TaskAssigned(user, Change(current, (*current, user)))
            current = (*current, user)


def require_assignable(workspace_id: UUID, user_id: UUID, context: DecisionContext) -> None:
    """Raise AssigneeIsNoMember unless the user is a member of the workspace; the append asserts it."""
    if context(Member, member_stream_id(workspace_id, user_id)) is None:
        raise AssigneeIsNoMember(user_id=user_id)


def require_column(project: Project, id_or_name: str | None) -> Column:
    """The column of that name or id, the first one for None; raises UnknownColumn."""
    column = project.columns[0] if id_or_name is None else project.find_column(id_or_name)
    if column is None:
        raise UnknownColumn(columns=[column.id for column in project.columns])
    return column
