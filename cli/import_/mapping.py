"""Maps rows of an imported file to the commands that create tasks."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from cli.import_ import field_values
from cli.import_.description import build_description
from cli.import_.row_fields import RowFields
from cli.import_.rows import TITLE_FIELDS, Row
from cli.import_.task_ids import task_id
from cli.import_.text_validation import MalformedRow, require_text
from commands.field_types import normalize_due
from commands.handling.decision import CommandOn
from commands.task import CompleteTask, CreateTask
from domain.label import distinct_labels, normalize_label
from domain.task import Task

STATUS_FIELDS: Final = ("status", "done", "completed")
DUE_FIELDS: Final = ("due", "deadline", "duedate")
PRIORITY_FIELDS: Final = ("priority",)
LABEL_FIELDS: Final = ("tags", "labels")


class MappedTask(Struct, frozen=True):
    """A row as a task, with the fields that were ignored and remarks on those that were converted."""

    location: str
    id: UUID
    create: CreateTask
    is_done: bool
    ignored_fields: tuple[str, ...]
    remarks: tuple[str, ...]
    is_sub_task: bool

    @property
    def commands(self) -> list[CommandOn]:
        """Its commands, to be executed all together or not at all."""
        return [CommandOn(self.id, self.create), *([CommandOn(self.id, CompleteTask())] if self.is_done else [])]

    def matches(self, task: Task | None) -> bool:
        """Whether the existing task has the values of the row."""
        create = self.create
        return (
            task is not None
            and (task.title, task.description, task.priority, task.due)
            == (
                create.title,
                create.description or "",
                create.priority or "none",
                normalize_due(create.due),
            )
            and set(map(normalize_label, task.labels)) == set(map(normalize_label, create.labels))
            and (task.status == "done") == self.is_done
        )


class RefusedRow(Struct, frozen=True):
    """A row that was not imported, and why."""

    location: str
    reason: str


def map_rows(rows: Iterable[Row], project_id: UUID) -> Iterator[MappedTask | RefusedRow]:
    """Each row, in order, as a task of the project or a refusal with its reason."""
    occurrences: Counter[object] = Counter()
    for row in rows:
        try:
            yield _map_row(row, project_id, occurrences)
        except MalformedRow as error:
            yield RefusedRow(row.location, str(error))


def _map_row(row: Row, project_id: UUID, occurrences: Counter[object]) -> MappedTask:
    row_fields = RowFields(row.value)
    title = require_text("title", row_fields.pop_first(TITLE_FIELDS)[1])
    id_and_title = (row_fields.own_id(), title)
    occurrences[row.list_name, row.parent_titles, str(id_and_title)] += 1
    remarks: list[str] = []
    create, done = _build_create_task(row, title, row_fields, project_id, remarks.append)
    new_task_id = task_id(
        project_id, row, id_and_title, occurrences[row.list_name, row.parent_titles, str(id_and_title)]
    )
    return MappedTask(
        row.location,
        new_task_id,
        create,
        done,
        row_fields.unread_names(),
        tuple(dict.fromkeys(remarks)),
        bool(row.parent_titles),
    )


def _build_create_task(
    row: Row, title: str, row_fields: RowFields, project_id: UUID, add_remark: field_values.AddRemark
) -> tuple[CreateTask, bool]:
    progress = _read_progress(row_fields, add_remark)
    due, priority = row_fields.pop_first(DUE_FIELDS), row_fields.pop_first(PRIORITY_FIELDS)
    values = {
        "project_id": project_id,
        "title": title,
        "description": build_description(row, row_fields, add_remark),
        "priority": field_values.parse_priority(*priority, add_remark) if priority[1] is not None else "none",
        "due": field_values.parse_due(*due, add_remark) if due[1] not in (None, "") else None,
        "column": progress.column,
        "labels": _collect_labels(row, row_fields, progress),
    }
    try:
        return msgspec.convert(values, CreateTask), progress.done
    except msgspec.ValidationError as error:
        raise MalformedRow(str(error)) from None


def _read_progress(row_fields: RowFields, add_remark: field_values.AddRemark) -> field_values.TaskProgress:
    """The progress from the first status field; raises MalformedRow if another one contradicts it."""
    status_values = [row_fields.pop_first((name,)) for name in STATUS_FIELDS]
    parsed = [
        (name, field_values.parse_progress(name, value, add_remark))
        for name, value in status_values
        if value not in (None, "")
    ]
    for name, other in parsed[1:]:
        if other.done != parsed[0][1].done:
            raise MalformedRow(f"{parsed[0][0]} and {name} contradict each other")
    return parsed[0][1] if parsed else field_values.TaskProgress()


def _collect_labels(row: Row, row_fields: RowFields, progress: field_values.TaskProgress) -> tuple[str, ...]:
    """The name of the row's list, its own labels, and a status that is neither open nor done."""
    own = [label for names in LABEL_FIELDS for label in field_values.parse_labels(*row_fields.pop_first((names,), []))]
    all_labels = [row.list_name and require_text("tag", row.list_name, "label"), *own, progress.label or ""]
    return distinct_labels(label for label in all_labels if label)
