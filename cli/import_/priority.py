"""The priority of a row: a word, or a number on a scale that is recognized from the whole file."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from cli.import_.field_names import normalize_name, normalize_word
from cli.import_.remarks import AddRemark
from cli.import_.rows import Row
from domain.task import Priority

PRIORITY_FIELDS: Final = ("priority", "importance", "prio")
WORD_FIELDS: Final = ("prioritylabel", "priorityname")
"""The priority as a word, beside a number."""
OPTION: Final = "--priority-scale"
_WORDS: Final[dict[Priority, str]] = {
    "none": "none, no, nopriority, unset, unprioritized, undefined, keine, нет",
    "low": "low, lowest, verylow, minor, trivial, l, niedrig, gering, низкий, низкая, basse, baja, baixa, bassa, laag, "
    "niski",
    "medium": "medium, normal, moderate, med, m, default, average, mittel, средний, средняя, обычный, moyenne, media, "
    "média, normaal, średni",
    "high": "high, major, important, h, hoch, wichtig, высокий, высокая, важно, haute, alta, hoog, wysoki",
    "urgent": "urgent, critical, highest, veryhigh, immediate, blocker, asap, dringend, kritisch, срочно, срочный, "
    "критический, urgente, crítica, pilne",
}
_PRIORITY_BY_WORD: Final[dict[str, Priority]] = {
    normalize_word(word): priority for priority, words in _WORDS.items() for word in words.split(", ")
}
_NUMBER: Final = re.compile(r"p?(-?\d{1,9})(\.0+)?", re.ASCII | re.IGNORECASE)
_LEVELS: Final[dict[int, tuple[Priority, ...]]] = {
    2: ("high", "low"),
    3: ("high", "medium", "low"),
    4: ("urgent", "high", "medium", "low"),
    5: ("urgent", "high", "medium", "low", "low"),
}
_ICALENDAR: Final[dict[int, Priority]] = {
    **dict.fromkeys(range(6, 11), "low"),
    **dict.fromkeys(range(2, 5), "high"),
    0: "none",
    1: "urgent",
    5: "medium",
}
"""RFC 5545, section 3.8.1.9; Microsoft Planner has 10, too."""
_SCALES_BY_TOOL: Final[list[tuple[str, tuple[str, ...], dict[int, Priority]]]] = [
    ("Vikunja", ("percentdone", "hexcolor"), {0: "none", 1: "low", 2: "medium", 3: "high", 4: "urgent", 5: "urgent"}),
    ("Todoist", ("content", "priority", "projectid"), {1: "none", 2: "medium", 3: "high", 4: "urgent"}),
    ("Linear", ("identifier", "priority", "team"), {0: "none", 1: "urgent", 2: "high", 3: "medium", 4: "low"}),
    ("Linear", ("priority", "prioritylabel"), {0: "none", 1: "urgent", 2: "high", 3: "medium", 4: "low"}),
    ("TickTick", ("isallday", "sortorder"), {0: "none", 1: "low", 3: "medium", 5: "high"}),
    ("beads", ("issuetype", "priority"), {0: "urgent", 1: "high", 2: "medium", 3: "low", 4: "low"}),
]
"""Tools whose numbers mean something else, by fields that their tasks have."""
MAX_SAMPLE_ROWS: Final = 100
"""Rows that are looked at for the fields of a tool."""
_MAX_ZERO_BASED, _MAX_ONE_BASED, _MAX_ICALENDAR = 4, 5, 10


class PriorityScale(Struct, frozen=True):
    """The priority that each number means, and the line of the report that says so; no line without numbers."""

    priorities: Mapping[int, Priority] = {}
    description: str = ""


def parse_priority(row_value: tuple[str, object], scale: PriorityScale, add_remark: AddRemark) -> Priority:
    """The priority that a word or number means; `none`, with a remark, if it is unknown."""
    name, value = row_value[0], _plain_value(row_value[1])
    if value is None or value == "":
        return "none"
    number = _number_of(value)
    if number is not None:
        parsed = scale.priorities.get(number)
        if parsed is None:
            add_remark(f"{name} {number} is not on the scale: no priority was set; {OPTION} says what it means")
        else:
            add_remark(f"{name} {number} was read as {parsed}")
        return parsed or "none"
    parsed = _PRIORITY_BY_WORD.get(normalize_word(value)) if isinstance(value, str) else None
    if parsed is None:
        add_remark(f"{name} {value!r} is unknown: no priority was set")
    return parsed or "none"


def recognize_scale(rows: Iterable[Row]) -> PriorityScale:
    """The scale of the numbers in all rows together: that of a tool, or from the lowest and the highest number."""
    values = [row.value for row in rows if isinstance(row.value, dict)]
    numbers = {number for value in values if (number := _number_in(value)) is not None}
    if not numbers:
        return PriorityScale()
    names = {normalize_name(name) for value in values[:MAX_SAMPLE_ROWS] for name in value}
    for tool, fields, priorities in _SCALES_BY_TOOL:
        if names.issuperset(fields) and numbers <= priorities.keys():
            return _build_scale(priorities, f"as {tool} writes them")
    if numbers == {0} and len(values) > 1:
        return _build_scale({0: "none"}, "0 alone, which says nothing")
    return _scale_between(min(numbers), max(numbers))


def parse_scale(text: str) -> PriorityScale:
    """The scale that an operator gives: `0-4`, the most urgent first, or `1=urgent,2=low`; raises ValueError."""
    if span := re.fullmatch(r"\s*(-?\d{1,6})\s*(?:-|\.\.|:|to)\s*(-?\d{1,6})\s*", text, re.ASCII):
        first, last = int(span[1]), int(span[2])
        step = 1 if last >= first else -1
        count = abs(last - first) + 1
        levels = _LEVELS.get(count) or [_LEVELS[4][at * 4 // count] for at in range(min(count, 1_001))]
        return _build_scale(
            dict(zip(range(first, last + step, step), levels, strict=False)), f"{first} is the most urgent"
        )
    priorities: dict[int, Priority] = {}
    for pair in text.split(","):
        number, _, word = pair.partition("=")
        priorities[int(number)] = _PRIORITY_BY_WORD[normalize_word(word)]
    return _build_scale(priorities, "as given")


def _scale_between(lowest: int, highest: int) -> PriorityScale:
    if lowest == 0 and highest <= _MAX_ZERO_BASED:
        return _build_scale(dict(enumerate(_LEVELS[5])), "0 is the most urgent")
    if lowest >= 1 and highest <= _MAX_ONE_BASED:
        return _build_scale(dict(enumerate(_LEVELS[5], 1)), "1 is the most urgent")
    if lowest >= 0 and highest <= _MAX_ICALENDAR:
        return _build_scale(_ICALENDAR, "as iCalendar has them: 1 is the most urgent, 5 medium, 0 none")
    return PriorityScale({}, f"Priorities from {lowest} to {highest} are on no known scale: say it with {OPTION}.")


def _build_scale(priorities: Mapping[int, Priority], what: str) -> PriorityScale:
    levels = ", ".join(f"{number} {priority}" for number, priority in priorities.items())
    shown = levels if len(priorities) <= 2 * _MAX_ONE_BASED else f"{min(priorities)} to {max(priorities)}"
    return PriorityScale(priorities, f"Scale of the priorities: {what} ({shown}); {OPTION} changes it.")


def _number_in(row: Mapping[str, object]) -> int | None:
    for name, value in row.items():
        if normalize_name(name) in PRIORITY_FIELDS:
            return _number_of(_plain_value(value))
    return None


def _number_of(value: object) -> int | None:
    """An integer, also as text or float, and `P1`; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    match = _NUMBER.fullmatch(str(value).strip())
    return int(match[1]) if match else None


def _plain_value(value: object) -> object:
    """The word, or else the number, of a priority that is an object."""
    if not isinstance(value, dict):
        return value
    names = ("name", "priority", "label", "title", "displayName", "value", "id")
    return next((value[name] for name in names if value.get(name) not in (None, "")), None)
