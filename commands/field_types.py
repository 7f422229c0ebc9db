"""Types of fields that people fill in: names, texts, dates, e-mail addresses, checked when a command is decoded.

The function in an `extra` of `{"stored": function}` makes the value that is stored for one that is sent.
"""

from datetime import date
from functools import cache
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import available_timezones

from msgspec import Meta

from commands.text_patterns import BLANKS, LINE_PATTERN, TEXT_PATTERN, VISIBLE_TEXT_PATTERN
from domain.email_address import has_valid_domain
from domain.filter import parse
from domain.timestamp import DATE_PATTERN, TIME_AND_OFFSET_PATTERN, parse_timestamp


def normalize_date(text: str | None) -> str | None:
    """A date or date-time as stored, `YYYY-MM-DD` or RFC 3339 with an offset; None for none.

    Raises ValueError where the calendar has no such day or the clock no such time.
    """
    if text is None:
        return None
    if len(text) > len("YYYY-MM-DD"):
        return parse_timestamp(text).isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ValueError("must be a day in the calendar") from error


def require_uuid7(supplied: UUID | str | None) -> None:
    """Raise ValueError unless an id chosen by the client is a UUIDv7, which cannot collide with a guard stream."""
    if supplied is not None and UUID(str(supplied)).version != 7:  # noqa: PLR2004 - RFC 9562, section 5.7
        raise ValueError("must be a UUID of version 7")


def require_valid_domain(email: str) -> None:
    """Raise ValueError for an address whose domain IDNA 2008 does not allow."""
    if not has_valid_domain(email):
        raise ValueError("must be an e-mail address whose domain can exist")


def require_zone(name: str) -> None:
    """Raise ValueError for a zone that the IANA database does not have."""
    if name not in _known_zones():
        raise ValueError("must be a time zone such as Europe/Vienna")


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NO_PLACES


_NO_PLACES = frozenset({"Factory", "localtime", "posixrules"})
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=LINE_PATTERN, examples=["Kitchen"])]
Title = Annotated[str, Meta(min_length=1, max_length=500, pattern=LINE_PATTERN, examples=["Oat milk"])]
Description = Annotated[str, Meta(max_length=50_000, pattern=TEXT_PATTERN, examples=["The one without sugar."])]
CommentText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=50_000,
        pattern=VISIBLE_TEXT_PATTERN,
        description="Markdown.",
        examples=["The *oat* one, @Ada?"],
    ),
]
LabelName = Annotated[str, Meta(min_length=1, max_length=100, pattern=LINE_PATTERN, examples=["shopping"])]
MAX_LABELS_PER_TASK, MAX_ASSIGNEES_PER_TASK = 50, 50
"""Per task."""
Labels = Annotated[tuple[LabelName, ...], Meta(max_length=MAX_LABELS_PER_TASK, examples=[["shopping"]])]
Assignees = Annotated[tuple[UUID, ...], Meta(max_length=MAX_ASSIGNEES_PER_TASK)]
_COLOUR_PATTERN = r"^#[0-9a-fA-F]{6}$(?!\n)"
_COLOUR_DESCRIPTION = "A colour as #rrggbb, in hexadecimal digits."
_FILTER_DESCRIPTION = "What `GET /tasks` takes as `filter`, stored as written: `me` is the current user."
FilterText = Annotated[
    str, Meta(description=_FILTER_DESCRIPTION, examples=["assignee:me due<now"], extra={"refusal": parse})
]
Colour = Annotated[
    str,
    Meta(
        pattern=_COLOUR_PATTERN,
        description=_COLOUR_DESCRIPTION,
        examples=["#cc3300"],
        extra={"stored": str.lower},
    ),
]
ColumnName = Annotated[str, Meta(min_length=1, max_length=100, pattern=LINE_PATTERN, examples=["doing"])]
WipLimit = Annotated[int, Meta(ge=1, le=10_000, examples=[3])]
_DATE_OR_TIME_PATTERN = rf"^{DATE_PATTERN}({TIME_AND_OFFSET_PATTERN})?$(?!\n)"
_DAY_PATTERN = rf"^{DATE_PATTERN}$(?!\n)"
_DATE_OR_TIME_DESCRIPTION = "A date, or a date-time with an offset (RFC 3339)."
DateOrTimeText = Annotated[
    str,
    Meta(
        pattern=_DATE_OR_TIME_PATTERN,
        description=_DATE_OR_TIME_DESCRIPTION,
        examples=["2026-12-01"],
        extra={"check": normalize_date, "stored": normalize_date},
    ),
]
ArchiveAfterDays = Annotated[
    int,
    Meta(
        ge=1,
        le=3650,
        description="Done tasks are archived when they have not changed for this many days; null: never.",
        examples=[30],
    ),
]
DayText = Annotated[
    str,
    Meta(
        pattern=_DAY_PATTERN,
        description="A day as `YYYY-MM-DD`.",
        examples=["2026-12-01"],
        extra={"check": normalize_date},
    ),
]
EstimateMinutes = Annotated[int, Meta(ge=0, le=10_000_000, description="In minutes.", examples=[90])]
MAX_SPENT_MINUTES = 24 * 60
"""Of one entry: it is of one day."""
SpentMinutes = Annotated[int, Meta(ge=1, le=MAX_SPENT_MINUTES, description="In minutes.", examples=[90])]
TimeNote = Annotated[str, Meta(max_length=2_000, pattern=TEXT_PATTERN, examples=["Compared prices"])]
_TIMESTAMP_PATTERN = rf"^{DATE_PATTERN}{TIME_AND_OFFSET_PATTERN}$(?!\n)"
TimestampText = Annotated[
    str,
    Meta(
        pattern=_TIMESTAMP_PATTERN,
        description="A time with an offset (RFC 3339).",
        examples=["2026-12-01T10:00:00Z"],
        extra_json_schema={"format": "date-time"},
        extra={"check": parse_timestamp},
    ),
]
NewId = Annotated[UUID, Meta(description="A UUID of version 7.", extra={"check": require_uuid7})]
"""The id of a new thing, if the client chooses it."""
_PROJECT_KEY_PATTERN = r"^[A-Z][A-Z0-9]{1,9}$(?!\n)"
ProjectKeyText = Annotated[
    str, Meta(pattern=_PROJECT_KEY_PATTERN, description="2 to 10 of A-Z and 0-9.", examples=["KIT"])
]
# `=?` begins an encoded word (RFC 2047): mail would read another address there.
_NEVER_IN_EMAIL = rf"""{BLANKS}@<>()\[\],;:\\"\x00-\x1f\x7f-\x9f"""
_JOINERS = r"\u200c\u200d"
"""Some scripts need them inside a domain: IDNA 2008 tells where (RFC 5892, appendix A.1 and A.2)."""
_INSIDE_DNS_LABEL = rf"(?:[^{_NEVER_IN_EMAIL}.]|[{_JOINERS}])"
_DNS_LABEL_PATTERN = rf"[^{_NEVER_IN_EMAIL}.\-](?:{_INSIDE_DNS_LABEL}*(?:[^{_NEVER_IN_EMAIL}.\-]|[{_JOINERS}]))?"
_EMAIL_PATTERN = rf"^(?!.*=\?)[^{_NEVER_IN_EMAIL}]{{1,64}}@{_DNS_LABEL_PATTERN}(\.{_DNS_LABEL_PATTERN})*$(?!\n)"
Email = Annotated[
    str,
    Meta(max_length=254, pattern=_EMAIL_PATTERN, examples=["ann@example.com"], extra={"check": require_valid_domain}),
]
_LANGUAGE_PATTERN = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,7}$(?!\n)"
Language = Annotated[
    str, Meta(max_length=35, pattern=_LANGUAGE_PATTERN, description="A language tag (BCP 47).", examples=["de-AT"])
]
ZoneName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        description="A time zone of the IANA database.",
        examples=["Europe/Vienna"],
        extra={"check": require_zone},
    ),
]
FileName = Annotated[str, Meta(min_length=1, max_length=255, pattern=LINE_PATTERN, examples=["plan.pdf"])]
_MEDIA_TYPE_NAME = "[a-z0-9][a-z0-9!#$&^_.+-]*"
_MEDIA_TYPE_PATTERN = rf"^{_MEDIA_TYPE_NAME}/{_MEDIA_TYPE_NAME}$(?!\n)"
MediaType = Annotated[str, Meta(max_length=127, pattern=_MEDIA_TYPE_PATTERN, examples=["application/pdf"])]
_SHA256_PATTERN = r"^[0-9a-f]{64}$(?!\n)"
Sha256 = Annotated[str, Meta(pattern=_SHA256_PATTERN, examples=[64 * "0"])]
FileSize = Annotated[int, Meta(ge=0, le=2**53 - 1, description="In bytes.", examples=[52_480])]
_EXPECTED_VERSION_DESCRIPTION = "The version that you last read; `If-Match` may name it instead."
ExpectedVersion = Annotated[int, Meta(ge=0, le=2**53 - 1, description=_EXPECTED_VERSION_DESCRIPTION, examples=[1])]
_TASK_KEY_PATTERN = "[A-Za-z][A-Za-z0-9]{1,9}-[1-9][0-9]{0,8}"
_ID_PATTERN = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_TASK_NAME_PATTERN = rf"^({_TASK_KEY_PATTERN}|{_ID_PATTERN})$(?!\n)"
OpenChildren = Literal["refuse", "complete"]
"""What becomes of the open sub-tasks of a task that is completed."""
TaskName = Annotated[
    str,
    Meta(
        pattern=_TASK_NAME_PATTERN,
        description="The id or the key of a task.",
        examples=["KIT-12"],
        extra={"names": "task"},
    ),
]
"""Where it names a key, the API puts the id."""
PATTERN_DESCRIPTIONS = {
    LINE_PATTERN: "one line of text, with something to see on it and no control or hidden characters",
    TEXT_PATTERN: "text without control characters",
    VISIBLE_TEXT_PATTERN: "text with something to see and without control characters",
    _DAY_PATTERN: "a day such as 2026-12-01",
    _DATE_OR_TIME_PATTERN: "a date such as 2026-12-01, or a date-time with an offset",
    _TIMESTAMP_PATTERN: "a time with an offset, such as 2026-12-01T10:00:00Z",
    _COLOUR_PATTERN: "a colour as #rrggbb, in hexadecimal digits",
    _PROJECT_KEY_PATTERN: "2 to 10 of A-Z and 0-9, a letter first",
    _EMAIL_PATTERN: "an e-mail address",
    _TASK_NAME_PATTERN: "the id of a task, or its key, such as KIT-12",
    _LANGUAGE_PATTERN: "a language tag, such as de or de-AT",
    _MEDIA_TYPE_PATTERN: "a media type such as application/pdf, in lower case and without parameters",
    _SHA256_PATTERN: "64 hexadecimal digits in lower case",
}
"""What a text of each pattern is, in words."""
