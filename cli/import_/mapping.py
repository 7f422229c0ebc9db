"""Mapping: one row as the commands that make it a task."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from cli.import_ import fields
from cli.import_.description import describe
from cli.import_.identity import task_id
from cli.import_.left import Left
from cli.import_.rows import TITLE, Row
from cli.import_.text import Malformed, text
from commands.field_types import normalize_due as kept_due
from commands.handling.decision import CommandOn
from commands.task import CompleteTask, CreateTask
from domain.label import distinct_labels, normalize_label
from domain.task import Task

STATUS: Final = ("status", "done", "completed")
DUE: Final = ("due", "deadline", "duedate")
PRIORITY: Final = ("priority",)
LABELS: Final = ("tags", "labels")


class Taken(Struct, frozen=True):
    """A row as a task, with the fields that it lost and what to know about those that it kept."""

    place: str
    id: UUID
    create: CreateTask
    done: bool
    lost: tuple[str, ...]
    remarks: tuple[str, ...]
    is_part: bool

    @property
    def wishes(self) -> list[CommandOn]:
        """Its commands, to be carried out together or not at all."""
        return [CommandOn(self.id, self.create), *([CommandOn(self.id, CompleteTask())] if self.done else [])]

    def is_as(self, task: Task | None) -> bool:
        """Whether the task that is there says the same as the row."""
        create = self.create
        return (
            task is not None
            and (task.title, task.description, task.priority, task.due)
            == (
                create.title,
                create.description or "",
                create.priority or "none",
                kept_due(create.due),
            )
            and set(map(normalize_label, task.labels)) == set(map(normalize_label, create.labels))
            and (task.status == "done") == self.done
        )


class Refused(Struct, frozen=True):
    """A row that did not become a task."""

    place: str
    reason: str


def tasks_of(rows: Iterable[Row], project: UUID) -> Iterator[Taken | Refused]:
    """Each row, in order, as a task of the project or with the reason why it is none."""
    seen: Counter[object] = Counter()
    for row in rows:
        try:
            yield _task(row, project, seen)
        except Malformed as error:
            yield Refused(row.place, str(error))


def _task(row: Row, project: UUID, seen: Counter[object]) -> Taken:
    left = Left(row.value)
    title = text("title", left.take(TITLE)[1])
    name = (left.own_id(), title)
    seen[row.tag, row.parents, str(name)] += 1
    remarks: list[str] = []
    create, done = _commands(row, title, left, project, remarks.append)
    key = task_id(project, row, name, seen[row.tag, row.parents, str(name)])
    return Taken(row.place, key, create, done, left.names(), tuple(dict.fromkeys(remarks)), bool(row.parents))


def _commands(row: Row, title: str, left: Left, project: UUID, say: fields.Say) -> tuple[CreateTask, bool]:
    progress = _progress(left, say)
    due, priority = left.take(DUE), left.take(PRIORITY)
    wish = {
        "project_id": project,
        "title": title,
        "description": describe(row, left, say),
        "priority": fields.priority(*priority, say) if priority[1] is not None else "none",
        "due": fields.due(*due, say) if due[1] not in (None, "") else None,
        "column": progress.column,
        "labels": _labels(row, left, progress),
    }
    try:
        return msgspec.convert(wish, CreateTask), progress.done
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None


def _progress(left: Left, say: fields.Say) -> fields.Progress:
    """What the first of the fields says; raises Malformed where another one contradicts it."""
    taken = [left.take((name,)) for name in STATUS]
    found = [(name, fields.progress(name, value, say)) for name, value in taken if value not in (None, "")]
    for name, other in found[1:]:
        if other.done != found[0][1].done:
            raise Malformed(f"{found[0][0]} and {name} contradict each other")
    return found[0][1] if found else fields.Progress()


def _labels(row: Row, left: Left, progress: fields.Progress) -> tuple[str, ...]:
    """The tag that the row stands under, its own labels, and a status that is neither open nor done."""
    own = [label for names in LABELS for label in fields.labels(*left.take((names,), []))]
    kept = [row.tag and text("tag", row.tag, "label"), *own, progress.label or ""]
    return distinct_labels(label for label in kept if label)
