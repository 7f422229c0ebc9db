"""The words for values, in Russian."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from domain.sentences.names import Names
from domain.sentences.wording import excerpt

_MONTHS: Final = (
    *("января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября"),
    *("ноября", "декабря"),
)
_RELATIONS: Final = {
    "blocks": "блокирует {}",
    "blocked_by": "заблокирована задачей {}",
    "relates": "связана с {}",
    "duplicates": "дублирует {}",
    "duplicated_by": "дублируется задачей {}",
}

Show: TypeAlias = Callable[[Any, Names], str]
"""Gives the words for a value."""


def quote(text: Any, _: Names | None = None) -> str:
    return f"«{excerpt(text)}»"


def plain(value: Any, _: Names) -> str:
    return str(value)


def plural(count: int, one: str, few: str, many: str) -> str:
    """The count with the form of the noun that goes with it."""
    if count % 10 == 1 and count % 100 != 11:  # noqa: PLR2004 - the rule of the language
        return f"{count} {one}"
    return f"{count} {few if count % 10 in {2, 3, 4} and count % 100 not in {12, 13, 14} else many}"


def day(value: str, names: Names) -> str:
    """A date, or a date and a time in its own zone, without the year if that is plain."""
    at = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    year = "" if at.year == names.year else f" {at.year} года"
    return f"{at.day} {_MONTHS[at.month - 1]}{year}" + (f" {at:%H:%M}" if isinstance(at, datetime) else "")


def duration(minutes: int, _: Names) -> str:
    hours, rest = divmod(minutes, 60)
    return " ".join([f"{hours} ч"] * bool(hours) + [f"{rest} мин"] * (bool(rest) or not hours))


def task(id_: str, names: Names) -> str:
    found = names.tasks.get(id_)
    return f"{found.key} {quote(found.title)}" if found else "(удалена)"


def parent(id_: str, names: Names) -> str:
    """A task in the genitive."""
    return task(id_, names) if id_ in names.tasks else "удалённой задачи"


def person(id_: str, names: Names) -> str:
    return names.people.get(id_) or "бывший пользователь"


def project(id_: str, names: Names) -> str:
    found = names.projects.get(id_)
    return quote(found.name) if found else "(удалён)"


def value(given: Any, names: Names) -> str:
    """The value of a custom field."""
    if isinstance(given, list):
        return ", ".join(value(one, names) for one in given)
    if isinstance(given, bool):
        return "да" if given else "нет"
    return names.people.get(given) or quote(given) if isinstance(given, str) else str(given)


def relation(found: Any, names: Names) -> str:
    return _RELATIONS[found["kind"]].format(task(found["task_id"], names))
