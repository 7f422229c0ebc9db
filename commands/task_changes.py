"""The events that change one field of a task: its place on the board, its status, its labels, its assignees."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from commands.column_counts import enter_column, leave_column
from commands.command import DecisionContext, OtherStreamEvent
from commands.field_types import OpenChildren
from commands.ranking import BOTTOM, Placement, rank_change, take_rank
from commands.recurrence import PlannedInstance, create_next_instance, plan_next_instance
from commands.task_tree import ancestors_of, for_stream, load_subtasks
from commands.validation import quoted
from domain.column import Column
from domain.errors import AssigneeIsNoMember, HasOpenChildren, StatusContradictsColumn, UnknownColumn
from domain.event import Change, Event
from domain.former_member import FormerMember
from domain.label import distinct_labels, normalize_label, remove_label
from domain.member import Member, member_stream_id
from domain.project import Project
from domain.task import (
    Task,
    TaskAssigned,
    TaskCompleted,
    TaskLabelled,
    TaskMoved,
    TaskRanked,
    TaskReopened,
    TaskStatus,
    TaskUnassigned,
    TaskUnlabelled,
)

MAX_NAMED_CHILDREN = 20
"""How many open sub-tasks a refusal names."""


def place(  # noqa: PLR0913 - the three things that a place on the board consists of
    task_id: UUID,
    task: Task,
    project: Project,
    context: DecisionContext,
    *,
    column: Column | None = None,
    status: TaskStatus | None = None,
    placement: Placement | None = None,
    children: OpenChildren = "refuse",
) -> Iterator[Event | OtherStreamEvent]:
    """The events of a task that gets this column, status or place; None leaves column and status to each other.

    On a board with a done column they go together: a task that enters it is completed, one that is completed enters
    it; a task that leaves it is reopened, one that is reopened leaves it. An import keeps them apart, as its file has
    them. Open sub-tasks of a task that is completed are completed too, if `children` says so.

    Raises StatusContradictsColumn, HasOpenChildren, or what `enter_column` raises.
    """
    done_column = None if context.actor.kind == "import" else project.done_column
    if done_column is not None:
        if column is None:
            column = _column_for(task, project, done_column, status)
        else:
            status = _status_for(task, done_column, column, status)
    if _is_completed(task, status) and context.actor.kind != "import":
        yield from _complete_subtasks(task_id, task, project, context, children)
    former = placement.former if placement else None
    recurs = _is_completed(task, status) and former is None
    following = plan_next_instance(task_id, task, project, context) if recurs else None
    yield from _status_event(task_id, task, status or task.status, task.column, following, context, former)
    if column is not None and column.id != task.column:
        yield from leave_column(task.project_id, project, task.column, context)
        yield from enter_column(task.project_id, project, column, context)
        to = placement or BOTTOM
        ranked = rank_change(task_id, task, to, context)
        project_id = Change(task.project_id, task.project_id)
        yield TaskMoved(project_id, Change(task.column, column.id), status or task.status, ranked, to.place, to.beside)
        yield from take_rank(task_id, task.project_id, ranked, context)
    elif placement is not None and placement.beside != task_id:
        ranked = rank_change(task_id, task, placement, context)
        if ranked.old != ranked.new:
            yield TaskRanked(ranked, placement.place, placement.beside)
            yield from take_rank(task_id, task.project_id, ranked, context)
    yield from create_next_instance(following, project, context)


def status_events(  # noqa: PLR0913, PLR0917 - as above
    task_id: UUID, task: Task, project: Project, status: TaskStatus, column_id: str, context: DecisionContext
) -> Iterator[Event | OtherStreamEvent]:
    """The events of a task that is completed or reopened in a column; none if it has this status."""
    following = plan_next_instance(task_id, task, project, context) if _is_completed(task, status) else None
    yield from _status_event(task_id, task, status, column_id, following, context)
    yield from create_next_instance(following, project, context)


def _complete_subtasks(
    task_id: UUID, task: Task, project: Project, context: DecisionContext, children: OpenChildren
) -> Iterator[OtherStreamEvent]:
    """The events that complete what is open below a task, the deepest first; raises HasOpenChildren if refused."""
    below = load_subtasks(task_id, task.project_id, context)
    still_open = [(subtask, state) for subtask, state in below if state.status == "open" and state.is_on_board]
    if still_open and children == "refuse":
        raise HasOpenChildren(keys=[state.key for _, state in still_open[:MAX_NAMED_CHILDREN]], count=len(still_open))
    for subtask, state in reversed(still_open):
        yield from for_stream(subtask, place(subtask, state, project, context, status="done"))


def status_in(project: Project, task: Task, column: Column) -> TaskStatus:
    """The status of a task that goes to a column of a board, without a wish of its own."""
    done_column = project.done_column
    return task.status if done_column is None else _status_for(task, done_column, column, None)


def _is_completed(task: Task, status: TaskStatus | None) -> bool:
    return task.status == "open" and status == "done"


def _status_event(  # noqa: PLR0913, PLR0917 - as above
    task_id: UUID,
    task: Task,
    status: TaskStatus,
    column_id: str,
    following: PlannedInstance | None,
    context: DecisionContext,
    former: Task | None = None,
) -> Iterator[Event]:
    """A task that is done again as it was in a former state has the next instance and the recurrence that it had."""
    if status == task.status:
        return
    ancestors = ancestors_of(task_id, task, context)
    if status == "open":
        yield TaskReopened(task.project_id, column_id, ancestors=ancestors, blocks=task.blocks)
    else:
        known_next = former.next if former else None
        following_task = known_next if following is None else following.task
        recurrence = Change(task.recurrence, former.recurrence if former else None)
        yield TaskCompleted(
            task.project_id,
            (former and former.completed_from) or column_id,
            recurrence=recurrence,
            next=following_task,
            ancestors=ancestors,
            blocks=task.blocks,
        )


def _column_for(task: Task, project: Project, done_column: Column, status: TaskStatus | None) -> Column | None:
    """The column that a change of status leads to; None if the task stays where it is."""
    if status == "done" and task.status == "open":
        return done_column
    if status == "open" and task.status == "done" and task.column == done_column.id:
        before = project.find_column_by_id(task.completed_from or "")
        others = (column for column in (before, *project.columns) if column and column != done_column)
        return next(others, None)
    return None


def _status_for(task: Task, done_column: Column, column: Column, status: TaskStatus | None) -> TaskStatus:
    """The status that a change of column leads to; raises StatusContradictsColumn if another one is wanted."""
    if column.id == task.column and status in {None, task.status}:
        return task.status
    leaves_or_enters = done_column.id in {task.column, column.id} and column.id != task.column
    implied: TaskStatus = "done" if column.id == done_column.id else "open"
    if status is None:
        return implied if leaves_or_enters else task.status
    if status != implied and (status != task.status or leaves_or_enters):
        raise StatusContradictsColumn(column=column.id, status=status)
    return status


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
    """Raise AssigneeIsNoMember unless the user is a member of the workspace; the append asserts it.

    An import assigns former members of an imported board too.
    """
    if context(Member, member_stream_id(workspace_id, user_id)) is not None:
        return
    former = context(FormerMember, user_id) if context.actor.kind == "import" else None
    if former is None or former.workspace_id != workspace_id:
        raise AssigneeIsNoMember(user_id=user_id)


def require_column(project: Project, id_or_name: str | None) -> Column:
    """The column of that name or id, the first one for None; raises UnknownColumn."""
    column = project.columns[0] if id_or_name is None else project.find_column(id_or_name)
    if column is None:
        known_ids = [column.id for column in project.columns]
        raise UnknownColumn(
            f"The project has no column {quoted(id_or_name or '')}.", column=id_or_name, columns=known_ids
        )
    return column
