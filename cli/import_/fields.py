"""Fields: what people write as status, date, priority and labels, in Taskledger's words."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from cli.import_.rows import kind, plain
from cli.import_.text import Malformed, text
from commands.field_types import DueText
from commands.field_types import normalize_due as kept_due
from domain.task import Priority

Say = Callable[[str], None]
"""Where a remark for the summary goes, when a value was kept in another way than it was written."""


class Progress(Struct, frozen=True):
    """How far a task is: done or not, in which column, and the status that neither of them says."""

    done: bool = False
    column: str | None = None
    label: str | None = None


_OPEN, _DOING, _DONE = Progress(), Progress(column="doing"), Progress(done=True)
_STATUSES: Final = {
    **dict.fromkeys(
        ["open", "pending", "todo", "new", "backlog", "active", "ready", "notstarted", "needsaction", "no", "false"],
        _OPEN,
    ),
    **dict.fromkeys(["inprogress", "doing", "started", "wip", "ongoing", "inprocess"], _DOING),
    **dict.fromkeys(["done", "completed", "complete", "closed", "finished", "resolved", "yes", "true", "x"], _DONE),
    **dict.fromkeys(["review", "inreview"], Progress(column="doing", label="review")),
    **dict.fromkeys(["cancelled", "canceled"], Progress(done=True, label="cancelled")),
    **dict.fromkeys(["wontfix", "rejected"], Progress(done=True, label="rejected")),
    **{word: Progress(label=word) for word in ("blocked", "deferred")},
}
_PRIORITIES: Final[dict[str, Priority]] = {
    **dict.fromkeys(["none", "no", "0"], "none"),
    **dict.fromkeys(["low", "lowest", "minor", "trivial", "l", "p3", "p4", "4"], "low"),
    **dict.fromkeys(["medium", "normal", "moderate", "med", "m", "p2", "3"], "medium"),
    **dict.fromkeys(["high", "major", "important", "h", "p1", "2"], "high"),
    **dict.fromkeys(["urgent", "critical", "highest", "blocker", "asap", "p0", "1"], "urgent"),
}
_ZONELESS: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?", re.ASCII)


def progress(name: str, value: object, say: Say) -> Progress:
    """What a status, or a yes or no, says; a status of the user's own is open, and kept as a label."""
    if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
        return _DONE if value else _OPEN
    if not isinstance(value, str):
        raise Malformed(f"{name}: {kind(value)}, neither a status nor yes or no")
    found = _STATUSES.get(plain(value))
    if found is None:
        if plain(name) != "status":
            raise Malformed(f"{name}: {value!r} is neither yes nor no")
        found = Progress(label=text(name, value.strip(), "label"))
    if found.label:
        say(f"status {value!r} became {_in_words(found)}")
    return found


def due(name: str, value: object, say: Say) -> str:
    """The date, or date-time with its offset; the date alone where the time names no zone."""
    if not isinstance(value, str):
        raise Malformed(f"{name}: {kind(value)}, not a date")
    written = value.strip()
    try:
        if _ZONELESS.fullmatch(written):
            say(f"{name} names a time without a zone: only the date was kept")
            return datetime.fromisoformat(written.upper()).date().isoformat()
        return kept_due(msgspec.convert(written, DueText)) or ""
    except msgspec.ValidationError:
        raise Malformed(f"{name}: {value!r} is no YYYY-MM-DD, nor a date-time with an offset") from None
    except ValueError as error:
        raise Malformed(f"{name}: {value!r}: {error}") from None


def priority(name: str, value: object, say: Say) -> Priority:
    """The priority that a word or number means; none, with a remark, where it means nothing known."""
    number = isinstance(value, int) and not isinstance(value, bool)
    found = _PRIORITIES.get(plain(str(value))) if number or isinstance(value, str) else None
    if found is None:
        say(f"{name} {value if number else repr(value)} is not known: none was set")
    elif number:
        say(f"{name} {value} was read as {found}")
    return found or "none"


def labels(name: str, value: object) -> list[str]:
    """Labels, from a list of texts, numbers or objects with a name, or from text with commas."""
    if isinstance(value, str):
        return _labels(name, value.split(","))
    if isinstance(value, list):
        return _labels(name, (item.get("name") if isinstance(item, dict) else item for item in value))
    raise Malformed(f"{name}: {kind(value)}, not a list of labels")


def _labels(name: str, items: Iterable[object]) -> list[str]:
    words = (str(item) if type(item) is int else item for item in items)
    stripped = (word.strip() if isinstance(word, str) else word for word in words)
    return [text(name, word, "label") for word in stripped if word != ""]


def _in_words(kept: Progress) -> str:
    state = "done" if kept.done else "in progress" if kept.column else "open"
    return f"{state}, with the label {kept.label!r}"
