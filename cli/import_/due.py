"""The due date of a row, in the forms in which exports write dates."""

import re
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from cli.import_.remarks import AddRemark
from cli.import_.rows import describe_json_type
from cli.import_.shortening import quote
from cli.import_.text_validation import MalformedRow
from cli.import_.windows_zones import IANA_BY_WINDOWS_NAME
from commands.field_types import DateOrTimeText, normalize_date

DUE_FIELDS: Final = (
    *("due", "dueat", "duedatetime", "duedate", "dueon", "deadline", "dateddue", "datedue", "dueby", "targetdate"),
)
_ZERO_DATE: Final = re.compile(
    r"(0000-00-00|0001-01-01|1601-01-01|1899-12-30|1900-01-01|9999-12-31)([T ].*)?|0+", re.ASCII
)
"""No date, as MySQL, Go and .NET, Windows, spreadsheets and SQL Server write it, and the end of the calendar."""
_LAST_DAY: Final = "9999-12-31"
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_DATE_TIME: Final = re.compile(
    r"\d{4}-?\d\d-?\d\d([T ]\d\d:?\d\d(:?\d\d([.,]\d+)?)?( ?(Z|[+-]\d\d(:?\d\d)?))?)?", re.ASCII | re.IGNORECASE
)
_TIMESTAMP_S: Final = range(10**8, 10**10)
_TIMESTAMP_MS: Final = range(10**11, 10**13)
_DATE_TIME_MEMBERS: Final = ("datetime", "dateTime", "date_time", "date", "start")
_ZONE_MEMBERS: Final = ("timeZone", "timezone", "time_zone", "zone", "tz")


def parse_due(name: str, value: object, add_remark: AddRemark) -> str | None:
    """The date, or date-time with its offset; the date alone if the time has no zone; None for a zero date."""
    zone: tzinfo | None = None
    is_object = isinstance(value, dict)
    if isinstance(value, dict):
        zone = _parse_zone(name, value, add_remark)
        members = [value[key] for key in _DATE_TIME_MEMBERS if key in value]
        if not members:
            raise MalformedRow(f"{name}: an object without a date")
        value = next((member for member in members if member), None)
        if value is None:
            return None
    if value == 0 or (isinstance(value, str) and is_zero_date(value.strip())):
        is_last = isinstance(value, str) and value.strip().startswith(_LAST_DAY)
        what = "the last day of the calendar, which means no date" if is_last else "a zero date"
        add_remark(f"{name} is {what}: no date was set")
        return None
    try:
        return _to_due(name, _parse_moment(name, value, add_remark), zone, add_remark, drops_midnight=is_object)
    except ValueError as error:
        raise MalformedRow(f"{name}: {quote(value)}: {error}", kind=f"{name}: {error}") from None


def is_zero_date(text: str) -> bool:
    """Whether a program means no date by it: year 0 or 1, or the moment from which computers count."""
    if _ZERO_DATE.fullmatch(text) or text == "1970-01-01":
        return True
    if not text.startswith(("1970-01-01", "1969-12-31")):
        return False
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) == _EPOCH


def _parse_moment(name: str, value: object, add_remark: AddRemark) -> date | datetime | str:
    """A date, a date-time, or text that is valid as it is."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise MalformedRow(f"{name}: {describe_json_type(value)}, not a date")
    text = text.strip()
    if (plain := _normalize_plain(text)) is not None:
        return plain
    if text.isascii() and text.isdecimal() and (int(text) in _TIMESTAMP_S or int(text) in _TIMESTAMP_MS):
        add_remark(f"{name} is a number of seconds or milliseconds: read as a time in UTC")
        return datetime.fromtimestamp(int(text) / (1 if int(text) in _TIMESTAMP_S else 1000), UTC)
    if not _DATE_TIME.fullmatch(text):
        what = "is not YYYY-MM-DD or a date-time with an offset"
        raise MalformedRow(f"{name}: {quote(value)} {what}", kind=f"{name} {what}")
    try:
        if len(text) <= len("YYYY-MM-DD"):
            return date.fromisoformat(text)
        return datetime.fromisoformat(text.upper().replace(" +", "+").replace(" -", "-").replace(" Z", "Z"))
    except ValueError:
        raise ValueError("must be a day in the calendar, and a time of the clock") from None


@lru_cache(maxsize=10_000)
def _normalize_plain(text: str) -> str | None:
    """A date, or date-time with an offset, as stored; None if it is written otherwise. Raises ValueError."""
    try:
        return normalize_date(msgspec.convert(text, DateOrTimeText))
    except msgspec.ValidationError:
        return None


def _to_due(
    name: str, moment: date | datetime | str, zone: tzinfo | None, add_remark: AddRemark, *, drops_midnight: bool
) -> str:
    if isinstance(moment, str) and drops_midnight and len(moment) > len("YYYY-MM-DD"):
        moment = datetime.fromisoformat(moment)
    if not isinstance(moment, datetime):
        return str(moment)
    if drops_midnight and moment.time() == datetime.min.time():
        return moment.date().isoformat()  # a whole day: such objects have no other way to say so
    if moment.tzinfo is None and zone is None:
        add_remark(f"{name} has a time without a zone: only the date was kept")
        return moment.date().isoformat()
    return normalize_date((moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()) or ""


def _parse_zone(name: str, value: dict[str, object], add_remark: AddRemark) -> tzinfo | None:
    """The time zone of a date object; a recurrence in it is reported."""
    if value.get("is_recurring") or value.get("isRecurring"):
        add_remark(f"{name} recurs: only its next date was kept")
    zone_name = next((value[key] for key in _ZONE_MEMBERS if value.get(key)), None)
    if not isinstance(zone_name, str):
        return None
    if zone_name.upper() in ("UTC", "Z", "GMT", "ETC/UTC"):
        return UTC
    try:
        return ZoneInfo(IANA_BY_WINDOWS_NAME.get(zone_name, zone_name))
    except (KeyError, ValueError, OSError):
        add_remark(f"{name} is in the time zone {quote(zone_name)}, which is unknown")
        return None
