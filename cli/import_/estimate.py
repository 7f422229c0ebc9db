"""The estimate of a row in minutes, where its name or its text says the unit."""

import re
from typing import Final

from cli.import_.remarks import AddRemark
from cli.import_.row_fields import RowFields

MAX_MINUTES: Final = 10_000_000
_TEXT_FIELDS: Final = ("estimate", "estimated", "estimatedtime", "timeestimate", "originalestimate", "duration")
_MINUTES_BY_FIELD: Final = {
    **dict.fromkeys(("estimateminutes", "estimatedminutes", "estimateinminutes", "durationminutes"), 1.0),
    **dict.fromkeys(("estimatehours", "estimatedhours", "estimateinhours"), 60.0),
    **dict.fromkeys(("estimateseconds", "timeoriginalestimate"), 1 / 60),
}
"""How many minutes one is, for names that say the unit; Jira's `timeoriginalestimate` is in seconds."""
_FIELDS: Final = frozenset({*_TEXT_FIELDS, *_MINUTES_BY_FIELD})
_POINT_FIELDS: Final = frozenset(
    {"identifier", "branchname", "prioritylabel", "cycle", "team", "sprint", "sprintid", "estimatepoint", "storypoints"}
)
"""Members of trackers whose plain estimates are points."""
_UNITS: Final = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 1),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 60),
}
"""Not days and weeks: how many hours of work they are differs."""
_TEXT: Final = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?\s*[a-z]+\s*)+", re.ASCII)
_PART: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([a-z]+)", re.ASCII)
_ISO: Final = re.compile(r"pt(?=\d)((?:\d{1,9}h)?(?:\d{1,9}m)?)", re.ASCII)


def read_estimate(row_fields: RowFields, add_remark: AddRemark) -> int | None:
    """The minutes; a field whose unit is unknown stays unread."""
    if not row_fields.has_any(_FIELDS):
        return None
    points = row_fields.has_any(_POINT_FIELDS)
    for field in (*_MINUTES_BY_FIELD, *_TEXT_FIELDS):
        name, value = row_fields.pop_first((field,))
        minutes = _minutes_of(field, value, is_points=points)
        if value is None:
            continue
        if minutes is None or not 0 <= minutes <= MAX_MINUTES:
            row_fields.put_back(name, value)
            continue
        if _is_number(value) and field == "estimate":
            add_remark(f"{name} is a number: read as minutes")
        if minutes != round(minutes):
            add_remark(f"{name} was rounded to minutes")
        return round(minutes)
    return None


def _minutes_of(field: str, value: object, *, is_points: bool) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if field in _MINUTES_BY_FIELD:
            return value * _MINUTES_BY_FIELD[field]
        return value if field == "estimate" and not is_points else None
    if isinstance(value, dict):  # as Todoist has it
        amount, unit = value.get("amount"), value.get("unit")
        known = _UNITS.get(unit.lower()) if isinstance(unit, str) else None
        return amount * known if known and isinstance(amount, int) else None
    return _parse_text(value.strip().lower()) if isinstance(value, str) else None


def _parse_text(text: str) -> float | None:
    """`1h 30m`, `90 min` or `PT1H30M` in minutes."""
    text = iso[1] if (iso := _ISO.fullmatch(text)) else text
    if not _TEXT.fullmatch(text):
        return None
    parts = [(float(amount), _UNITS.get(unit)) for amount, unit in _PART.findall(text)]
    return sum(amount * (unit or 0) for amount, unit in parts) if all(unit for _, unit in parts) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
