"""The words for values, in English."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from domain.sentences.names import Names
from domain.sentences.wording import excerpt

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
    *("November", "December"),
)
_RELATIONS: Final = {
    "blocks": "blocks",
    "blocked_by": "blocked by",
    "relates": "related to",
    "duplicates": "duplicates",
    "duplicated_by": "duplicated by",
}

Show: TypeAlias = Callable[[Any, Names], str]
"""Gives the words for a value."""


def quote(text: Any, _: Names | None = None) -> str:
    return f"“{excerpt(text)}”"


def plain(value: Any, _: Names) -> str:
    return str(value)


def join(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def day(value: str, names: Names) -> str:
    """A date, or a date and a time in its own zone, without the year if that is plain."""
    at = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    year = "" if at.year == names.year else f" {at.year}"
    return f"{at.day} {_MONTHS[at.month - 1]}{year}" + (f" {at:%H:%M}" if isinstance(at, datetime) else "")


def duration(minutes: int, _: Names) -> str:
    hours, rest = divmod(minutes, 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{rest} min"] * (bool(rest) or not hours))


def task(id_: str, names: Names) -> str:
    found = names.tasks.get(id_)
    return f"{found.key} {quote(found.title)}" if found else "a deleted task"


def person(id_: str, names: Names) -> str:
    return names.people.get(id_) or "a former user"


def project(id_: str, names: Names) -> str:
    found = names.projects.get(id_)
    return f"project {quote(found.name)}" if found else "a deleted project"


def value(given: Any, names: Names) -> str:
    """The value of a custom field."""
    if isinstance(given, list):
        return join([value(one, names) for one in given])
    if isinstance(given, bool):
        return "yes" if given else "no"
    return names.people.get(given) or quote(given) if isinstance(given, str) else str(given)


def relation(found: Any, names: Names) -> str:
    return f"{_RELATIONS[found['kind']]} {task(found['task_id'], names)}"
