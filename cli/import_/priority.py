"""The priority of a row: a word, or a number on a scale that is recognized from the whole file."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from cli.import_.field_names import normalize_name, normalize_word
from cli.import_.known_scales import MAX_SAMPLE_ROWS, find_tool_scale, members_of
from cli.import_.remarks import AddRemark
from cli.import_.rows import Row
from cli.import_.shortening import quote
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
_MAX_ZERO_BASED, _MAX_ONE_BASED, _MAX_ICALENDAR = 4, 5, 10
_UPWARD_MEMBERS: Final = ("done", "content")
"""Members of tasks in tools that count up (Vikunja, Todoist), and in other lists too."""


class AmbiguousScale(ValueError):
    """A scale with two meanings for one number."""


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
        add_remark(f"{name} {quote(value)} is unknown: no priority was set")
    return parsed or "none"


def recognize_scale(rows: Iterable[Row]) -> PriorityScale:
    """The scale of the numbers in all rows together: that of a tool, or from the lowest and the highest number."""
    prioritized = [(row, value) for row in rows if (value := _value_in(row)) is not None]
    numbered = [(row, value) for row, value in prioritized if _number_of(value) is not None]
    numbers = {number for _, value in numbered if (number := _number_of(value)) is not None}
    if not numbers:
        return PriorityScale()
    sample = [row for row, _ in numbered[:MAX_SAMPLE_ROWS]]
    if tool := find_tool_scale(sample, numbers):
        return _build_scale(tool.priorities, f"as {tool.tool} writes them")
    if numbers == {0} and len(numbered) > 1:
        return _build_scale({0: "none"}, "0 alone, which says nothing")
    counts_down = any(isinstance(value, str) and value.strip()[:1] in "Pp" for _, value in numbered)
    if counts_down:
        return _scale_between(min(numbers), max(numbers))
    return _guess_scale(min(numbers), max(numbers), members_of(sample))


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
        if int(number) in priorities:
            raise AmbiguousScale(f"{int(number)} is given twice: say one meaning for each number.")
        priorities[int(number)] = _PRIORITY_BY_WORD[normalize_word(word)]
    return _build_scale(priorities, "as given")


def _guess_scale(lowest: int, highest: int, members: set[str]) -> PriorityScale:
    """The usual scale for these numbers; none where the opposite is as likely, as it would turn all of them round."""
    is_in_range = lowest >= 0 and highest <= _MAX_ONE_BASED
    if is_in_range and (not members.isdisjoint(_UPWARD_MEMBERS) or (lowest, highest) == (0, _MAX_ONE_BASED)):
        return PriorityScale(
            {},
            f"Priorities from {lowest} to {highest} may count up, as in Vikunja (5 is the most urgent), or down (1 is)"
            f": none was set; say which with {OPTION} 5-1 or {OPTION} 1-5.",
        )
    return _scale_between(lowest, highest)


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


def _value_in(row: Row) -> object:
    """The priority of a row, as a word or number; None without one."""
    if not isinstance(row.value, dict):
        return None
    return next(
        (_plain_value(value) for name, value in row.value.items() if normalize_name(name) in PRIORITY_FIELDS), None
    )


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
