"""Commands about the recurrence of a task: skip an instance; and the next instance that a completion creates."""

from collections.abc import Iterator
from typing import Annotated, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct, field

from commands.column_counts import enter_column
from commands.command import DecisionContext, OtherStreamEvent
from commands.subtask import placed
from commands.task_command import TaskCommand, require_editable_task
from commands.task_copy import copy_of
from commands.task_tree import ancestors_of
from domain.column import Column
from domain.errors import RecurrenceNeedsDue, RecurrenceNeverOccurs, Refusal, SeriesIsOver, TaskDoesNotRecur
from domain.event import Change, Event
from domain.project import Project
from domain.recurrence import Recurrence, RecurrenceStart, later, next_instance, occurs_after
from domain.recurrence_rule import parse_rule
from domain.task import NextTask, OccurrenceSkipped, Task, TaskCreated
from domain.workspace import Workspace

RuleText = Annotated[
    str,
    Meta(
        max_length=500,
        description="An RRULE of RFC 5545, of FREQ (DAILY, WEEKLY, MONTHLY or YEARLY), INTERVAL, BYMONTH, BYMONTHDAY,"
        " BYDAY and BYSETPOS; COUNT, which counts this task too, or UNTIL.",
        examples=["FREQ=WEEKLY;BYDAY=MO"],
        extra={"refusal": parse_rule},
    ),
]


class RecurrenceSpec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A recurrence as requested: counted from the due date, or from the day of completion."""

    rule: RuleText
    counted_from: RecurrenceStart = field(default="due", name="from")


class SkipOccurrence(TaskCommand, frozen=True, kw_only=True):
    """Skip an instance of a recurring task: the task stays open, and is due when the next instance would be."""

    changed_fields: ClassVar = frozenset({"due", "start", "recurrence"})

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        if task.recurrence is None or task.due is None:
            raise TaskDoesNotRecur
        zone = _zone_of(task, context)
        following = next_instance(task.recurrence, task.due, zone, context.now)
        if following is None:
            raise SeriesIsOver
        due, start = (when and later(when, following.distance, zone) for when in (task.due, task.start))
        yield OccurrenceSkipped(
            Change(task.due, due), Change(task.start, start), Change(task.recurrence, following.recurrence)
        )


def as_stored(recurrence: RecurrenceSpec) -> Recurrence:
    """The recurrence with its rule in capitals; raises InvalidRecurrenceRule or RecurrenceNeverOccurs."""
    try:
        parse_rule(recurrence.rule)
    except Refusal as refusal:
        refusal.pointer = "#/recurrence/rule"
        raise
    return Recurrence(recurrence.rule.upper(), recurrence.counted_from)


SentRecurrence = Annotated[RecurrenceSpec, Meta(extra={"stored": as_stored})]


def require_recurrence(task: Task, context: DecisionContext) -> None:
    """Raise RecurrenceNeedsDue or RecurrenceNeverOccurs for a task that recurs without a date to recur on."""
    if task.recurrence is None:
        return
    if task.due is None:
        raise RecurrenceNeedsDue
    if not occurs_after(task.recurrence, task.due, _zone_of(task, context)):
        raise RecurrenceNeverOccurs


class PlannedInstance(Struct, frozen=True):
    """The next instance of a series, which the completion of the present one names before it is written."""

    id: UUID
    column: Column
    created: TaskCreated

    @property
    def task(self) -> NextTask:
        """Its id and its key."""
        return NextTask(self.id, self.created.key)


def plan_next_instance(task_id: UUID, task: Task, project: Project, context: DecisionContext) -> PlannedInstance | None:
    """The next instance of a task that is completed now; None if it does not recur, or the series is over.

    It is a copy that goes where new tasks go, but never into the done column, and below the same parent.
    """
    if task.recurrence is None or task.due is None:
        return None
    zone = _zone_of(task, context)
    following = next_instance(task.recurrence, task.due, zone, context.now)
    if following is None:
        return None
    column = next((column for column in project.columns if not column.done), project.columns[0])
    number = context.allocate_task_number(task.project_id)
    created = copy_of(
        task,
        context,
        project_id=task.project_id,
        number=number,
        key=f"{project.key}-{number}",
        column=column.id,
        due=later(task.due, following.distance, zone),
        start=task.start and later(task.start, following.distance, zone),
        rank=context.new_rank(is_first=False),
        recurrence=following.recurrence,
        parent_id=task.parent_id,
        ancestors=ancestors_of(task_id, task, context),
    )
    return PlannedInstance(context.new_id(), column, created)


def create_next_instance(
    planned: PlannedInstance | None, project: Project, context: DecisionContext
) -> Iterator[OtherStreamEvent]:
    """The events of a planned instance, if there is one; raises ColumnIsFull if its column refuses it."""
    if planned is not None:
        context(Task, planned.id)  # the append asserts that it is new
        yield from enter_column(planned.created.project_id, project, planned.column, context)
        yield OtherStreamEvent(planned.id, planned.created)
        if planned.created.parent_id:
            yield placed(planned.id, planned.created.project_id, Change(None, planned.created.parent_id))


def _zone_of(task: Task, context: DecisionContext) -> ZoneInfo | None:
    """The zone of the task, or of its workspace."""
    if task.zone is not None:
        return ZoneInfo(task.zone)
    workspace = context(Workspace, task.workspace_id)
    return ZoneInfo(workspace.zone) if workspace and workspace.zone else None
