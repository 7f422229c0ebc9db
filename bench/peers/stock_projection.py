"""The projection peer: the runner of `eventsourcing`, one row per event in a tracking recorder, with defaults."""

import time
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from msgspec import Struct
from psycopg.sql import SQL, Identifier

from bench.data.http_target import NEW_TASK
from bench.harness.run_module import run_plan
from bench.peers.stock import library_settings

CHANGES_PER_TASK = 4
"""How often each task is changed after its creation."""
TASKS_PER_TRANSACTION = 500
"""Tasks saved in one transaction, to save time: only the projection is measured."""
MAX_PROJECTION_S = 120.0


class ProjectionPlan(Struct, frozen=True):
    """The database, and how many events to write into it and then project."""

    database_url: str
    events: int


class ProjectionTiming(Struct, frozen=True):
    """How many events were projected, and how long that took, from creating the runner to the last row."""

    events: int
    seconds: float

    def per_second(self) -> float:
        return self.events / self.seconds


class Task(Aggregate):
    @event("Created")
    def __init__(self, project_id: str, fields: dict[str, Any]) -> None:
        self.project_id = project_id
        self.fields = fields

    class Renamed(Aggregate.Event):
        """A change of the title."""

        title: str

    @event(Renamed)
    def rename(self, title: str) -> None:
        self.fields["title"] = title


class Tasks(Application[UUID]):
    """The application whose events are projected."""


class TaskRowRecorder(PostgresTrackingRecorder):
    """Writes one row per event, in one transaction with the tracked position."""

    def __init__(self, datastore: PostgresDatastore, **named: Any) -> None:
        super().__init__(datastore, **named)
        self._table = Identifier(self.datastore.schema, "task_rows")
        columns = "id bigint primary key, task_id uuid, version bigint, title text"
        self.sql_create_statements.append(SQL("create table if not exists {} (" + columns + ")").format(self._table))
        self._insert = SQL("insert into {} values (%s, %s, %s, %s)").format(self._table)

    def write(self, row: tuple[UUID, int, str], tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(self._insert, (tracking.notification_id, *row), prepare=True)


class TaskListProjection(Projection[TaskRowRecorder]):
    name = "listing"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        title = domain_event.title if isinstance(domain_event, Task.Renamed) else domain_event.fields["title"]
        self.view.write((domain_event.originator_id, domain_event.originator_version, title), tracking)


async def run_projection(plan: ProjectionPlan) -> ProjectionTiming:
    """Write the events, then project them all. Raises TimeoutError."""
    env = library_settings(plan.database_url)
    with Tasks(env=env) as tasks:
        _write(tasks, plan.events)
    began = time.monotonic()
    with ProjectionRunner(
        application_class=Tasks, projection_class=TaskListProjection, view_class=TaskRowRecorder, env=env
    ) as runner:
        runner.wait(plan.events, timeout=MAX_PROJECTION_S)
        return ProjectionTiming(plan.events, time.monotonic() - began)


def _write(tasks: Tasks, events: int) -> None:
    new_tasks = [_task(number) for number in range(events // (1 + CHANGES_PER_TASK))]
    for start in range(0, len(new_tasks), TASKS_PER_TRANSACTION):
        tasks.save(*new_tasks[start : start + TASKS_PER_TRANSACTION])


def _task(number: int) -> Task:
    task = Task(str(number), dict(NEW_TASK))
    for change in range(CHANGES_PER_TASK):
        task.rename(f"Buy oat milk, crate {change}")
    return task


if __name__ == "__main__":
    run_plan(ProjectionPlan, run_projection)
