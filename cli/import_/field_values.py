"""Parses the status, due date, priority and labels of a row, in the spellings that task lists use."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from cli.import_.rows import describe_json_type, normalize_name
from cli.import_.text_validation import MalformedRow, require_text
from commands.field_types import DueText, normalize_due
from domain.task import Priority

AddRemark = Callable[[str], None]
"""Adds a remark to the summary when a value was converted to something else."""


class TaskProgress(Struct, frozen=True):
    """A parsed status: done or not, the column, and a label for a status that neither expresses."""

    done: bool = False
    column: str | None = None
    label: str | None = None


_OPEN, _DOING, _DONE = TaskProgress(), TaskProgress(column="doing"), TaskProgress(done=True)
_PROGRESS_BY_STATUS: Final = {
    **dict.fromkeys(
        ["open", "pending", "todo", "new", "backlog", "active", "ready", "notstarted", "needsaction", "no", "false"],
        _OPEN,
    ),
    **dict.fromkeys(["inprogress", "doing", "started", "wip", "ongoing", "inprocess"], _DOING),
    **dict.fromkeys(["done", "completed", "complete", "closed", "finished", "resolved", "yes", "true", "x"], _DONE),
    **dict.fromkeys(["review", "inreview"], TaskProgress(column="doing", label="review")),
    **dict.fromkeys(["cancelled", "canceled"], TaskProgress(done=True, label="cancelled")),
    **dict.fromkeys(["wontfix", "rejected"], TaskProgress(done=True, label="rejected")),
    **{word: TaskProgress(label=word) for word in ("blocked", "deferred")},
}
_PRIORITY_BY_WORD: Final[dict[str, Priority]] = {
    **dict.fromkeys(["none", "no", "0"], "none"),
    **dict.fromkeys(["low", "lowest", "minor", "trivial", "l", "p3", "p4", "4"], "low"),
    **dict.fromkeys(["medium", "normal", "moderate", "med", "m", "p2", "3"], "medium"),
    **dict.fromkeys(["high", "major", "important", "h", "p1", "2"], "high"),
    **dict.fromkeys(["urgent", "critical", "highest", "blocker", "asap", "p0", "1"], "urgent"),
}
_TIME_WITHOUT_OFFSET: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?", re.ASCII)


def parse_progress(name: str, value: object, add_remark: AddRemark) -> TaskProgress:
    """The progress that a status or boolean means; an unknown status is open and becomes a label."""
    if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
        return _DONE if value else _OPEN
    if not isinstance(value, str):
        raise MalformedRow(f"{name}: {describe_json_type(value)}, neither a status nor yes or no")
    task_progress = _PROGRESS_BY_STATUS.get(normalize_name(value))
    if task_progress is None:
        if normalize_name(name) != "status":
            raise MalformedRow(f"{name}: {value!r} is neither yes nor no")
        task_progress = TaskProgress(label=require_text(name, value.strip(), "label"))
    if task_progress.label:
        add_remark(f"status {value!r} became {_describe_progress(task_progress)}")
    return task_progress


def parse_due(name: str, value: object, add_remark: AddRemark) -> str:
    """The date, or date-time with its offset; the date alone if the time has no zone."""
    if not isinstance(value, str):
        raise MalformedRow(f"{name}: {describe_json_type(value)}, not a date")
    text_value = value.strip()
    try:
        if _TIME_WITHOUT_OFFSET.fullmatch(text_value):
            add_remark(f"{name} has a time without a zone: only the date was kept")
            return datetime.fromisoformat(text_value.upper()).date().isoformat()
        return normalize_due(msgspec.convert(text_value, DueText)) or ""
    except msgspec.ValidationError:
        raise MalformedRow(f"{name}: {value!r} is not YYYY-MM-DD or a date-time with an offset") from None
    except ValueError as error:
        raise MalformedRow(f"{name}: {value!r}: {error}") from None


def parse_priority(name: str, value: object, add_remark: AddRemark) -> Priority:
    """The priority that a word or number means; `none`, with a remark, if it is unknown."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    parsed = _PRIORITY_BY_WORD.get(normalize_name(str(value))) if is_number or isinstance(value, str) else None
    if parsed is None:
        add_remark(f"{name} {value if is_number else repr(value)} is unknown: no priority was set")
    elif is_number:
        add_remark(f"{name} {value} was read as {parsed}")
    return parsed or "none"


def parse_labels(name: str, value: object) -> list[str]:
    """Labels from a list of texts, numbers or named objects, or from comma-separated text."""
    if isinstance(value, str):
        return _parse_label_items(name, value.split(","))
    if isinstance(value, list):
        return _parse_label_items(name, (item.get("name") if isinstance(item, dict) else item for item in value))
    raise MalformedRow(f"{name}: {describe_json_type(value)}, not a list of labels")


def _parse_label_items(name: str, items: Iterable[object]) -> list[str]:
    words = (str(item) if type(item) is int else item for item in items)
    stripped = (word.strip() if isinstance(word, str) else word for word in words)
    return [require_text(name, word, "label") for word in stripped if word != ""]


def _describe_progress(task_progress: TaskProgress) -> str:
    state = "done" if task_progress.done else "in progress" if task_progress.column else "open"
    return f"{state}, with the label {task_progress.label!r}"
