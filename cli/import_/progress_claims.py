"""What the fields of a row claim about its progress: a status, yes or no, or the time when it was done."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from cli.import_.due import is_zero_date
from cli.import_.field_names import normalize_word
from cli.import_.row_fields import RowFields
from cli.import_.rows import describe_json_type
from cli.import_.shortening import quote, shorten
from cli.import_.status_words import STATUS_BY_WORD, Status
from cli.import_.text_validation import MalformedRow, is_uuid

STATUS_FIELDS: Final = ("status", "state", "statedetail")
_STATUSES: Final = frozenset(STATUS_FIELDS)
DONE_FIELDS: Final = (
    *("done", "completed", "complete", "isdone", "iscompleted", "iscomplete", "checked", "ischecked"),
    *("finished", "isfinished", "duecomplete"),
)
CLOSED_FIELDS: Final = ("closed", "isclosed", "resolved")
ACTIVE_FIELDS: Final = ("isactive", "isopen")
"""False for a task that is closed, as in Kanboard."""
ARCHIVED_FIELDS: Final = ("archived", "isarchived", "archivedat")
DELETED_FIELDS: Final = (
    "deleted",
    "isdeleted",
    "deletedat",
    "trashed",
    "istrashed",
    "intrash",
    "trashedat",
    "tombstone",
)
_OVERRIDING_FIELDS: Final = frozenset({*CLOSED_FIELDS, *ACTIVE_FIELDS, *ARCHIVED_FIELDS, *DELETED_FIELDS})
COMPLETION_TIMES: Final = (
    *("completedat", "completedon", "completeddate", "completiondate", "completeddatetime", "datecompleted"),
    *("closedat", "dateclosed", "finishedat", "doneat", "resolvedat"),
)
"""Read only where no other field says whether the task is done."""
PERCENT_FIELDS: Final = ("percentcomplete",)
_COMPLETION_FIELDS: Final = frozenset({*COMPLETION_TIMES, *PERCENT_FIELDS})
_NAMES: Final = ("name", "status", "title", "label", "value", "displayName")
_KINDS: Final = ("type", "group", "category", "statusCategory", "key")
_DATE: Final = re.compile(r"\d{4}-?\d\d-?\d\d([T ].*)?", re.ASCII)
_PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,9})?) ?%?", re.ASCII)
LIST_STATES: Final = frozenset(
    [
        *("backlog", "todo", "doing", "inprogress", "wip", "review", "inreview", "done", "completed", "finished"),
        *("closed", "archived", "cancelled", "blocked", "zuerledigen", "inarbeit", "inbearbeitung", "erledigt"),
        *("сделать", "вработе", "готово", "выполнено", "сделано", "afaire", "encours", "terminé"),
    ]
)
"""Names of lists that are states: others, such as `Development` or `Inbox`, are projects, too."""
_STATUS_OF_LIST: Final = {"archived": Status(is_archived=True), "deleted": Status(is_deleted=True)}
_MAX_PERCENT: Final = 100
_TRUTHS: Final = {
    **dict.fromkeys(("y", "t", "on", "да", "ja", "oui", "si", "sí", "sim"), True),
    **dict.fromkeys(("n", "f", "off", "нет", "nein", "non", "não"), False),
}
"""Yes and no, besides the words that are states too."""
_WORDS_OF_TRUTH: Final = frozenset({*_TRUTHS, "true", "false", "yes", "no", "x"})
_VAGUE_WORDS: Final = frozenset({"active", "ready", "new"})
"""The status of a record in some tools, done or not: they contradict nothing."""


class Claim(Struct, frozen=True):
    """What one field says; `is_truth` if that is yes, no or a time."""

    name: str
    text: str
    status: Status
    is_truth: bool = False


def read_claims(row_fields: RowFields) -> list[Claim]:
    """What the row says of its status, and whether it is done; raises MalformedRow if two fields contradict."""
    done = Status(is_done=True, is_plain=True)
    claims = [*_status_claims(row_fields), *_truth_claims(row_fields, DONE_FIELDS, done)]
    _require_agreement(claims)
    return claims or (list(_completion_claims(row_fields)) if row_fields.has_any(_COMPLETION_FIELDS) else [])


def claims_of_list(list_name: str) -> list[Claim]:
    """What the name of a list says of its tasks, if it is that of a state and of nothing else."""
    word = normalize_word(list_name)
    return [Claim("list", list_name, STATUS_BY_WORD[word])] if word in LIST_STATES else []


def state_claims_of_list(list_state: str) -> list[Claim]:
    """What the tasks of an archived or deleted list are."""
    return [Claim("list", list_state, _STATUS_OF_LIST[list_state])] if list_state else []


def state_of_list(value: Mapping[str, object]) -> str:
    """Whether a list, by its own plain fields, is `archived` or `deleted`."""
    fields = {name: inner for name, inner in value.items() if isinstance(inner, bool | int | str)}
    claims = list(read_overriding_claims(RowFields(fields)))
    if any(claim.status.is_deleted for claim in claims):
        return "deleted"
    return "archived" if claims else ""


def read_overriding_claims(row_fields: RowFields) -> Iterator[Claim]:
    """Closed, archived and deleted, whatever the status is; fields that are false say nothing."""
    if not row_fields.has_any(_OVERRIDING_FIELDS):
        return
    yield from _inactive_claims(row_fields)
    for fields, status in (
        (CLOSED_FIELDS, Status(is_done=True, is_plain=True)),
        (ARCHIVED_FIELDS, Status(is_archived=True)),
        (DELETED_FIELDS, Status(is_deleted=True)),
    ):
        claims = [claim for claim in _truth_claims(row_fields, fields, status) if claim.status == status]
        yield from claims[:1]


def _inactive_claims(row_fields: RowFields) -> Iterator[Claim]:
    closed = Status(is_done=True)
    for claim in _truth_claims(row_fields, ACTIVE_FIELDS, Status(is_done=True, is_plain=True)):
        if not claim.status.is_done:
            yield Claim(claim.name, claim.text, closed, is_truth=True)
            return


def _status_claims(row_fields: RowFields) -> Iterator[Claim]:
    """The first status that is no reference to one; others stay unread."""
    if not row_fields.has_any(_STATUSES):
        return
    for field in STATUS_FIELDS:
        name, value = row_fields.pop_first((field,))
        word, kind = _name_and_kind(value)
        if word is None or is_uuid(word):
            row_fields.put_back(name, value)
        elif word not in ("", {}):
            yield Claim(name, *_parse_status(name, word, kind))
            return


def _name_and_kind(value: object) -> tuple[object, object]:
    """The name of a status, and of the group of statuses it belongs to; an object may have only ids of them."""
    if not isinstance(value, dict):
        return value, None
    kind = next((value[key] for key in _KINDS if key in value), None)
    kind = kind.get("key") if isinstance(kind, dict) else kind
    return next((value[key] for key in _NAMES if value.get(key) and not is_uuid(value[key])), kind), kind


def _parse_status(name: str, value: object, kind: object) -> tuple[str, Status]:
    """The status as text, and what it says; a status of no known meaning is open."""
    if isinstance(value, bool) or (isinstance(value, int | str) and value in (0, 1, "0", "1")):
        return str(value).lower(), Status(is_done=str(value) in ("True", "1"), is_plain=True)
    if not isinstance(value, str):
        raise MalformedRow(f"{name}: {describe_json_type(value)}, neither a status nor yes or no")
    by_kind = STATUS_BY_WORD.get(normalize_word(kind)) if isinstance(kind, str) else None
    by_name = STATUS_BY_WORD.get(normalize_word(value))
    if by_name and by_kind and by_kind.is_done != by_name.is_done:
        return value, by_kind
    return value, by_name or by_kind or Status(label=value.strip())


def _truth_claims(row_fields: RowFields, fields: tuple[str, ...], status: Status) -> Iterator[Claim]:
    for name, value in row_fields.pop_all(fields):
        if value in ("", {}):
            continue
        is_true = _parse_truth(value)
        if is_true is not None:
            yield Claim(name, _describe_truth(value), status if is_true else Status(is_plain=True), is_truth=True)
        elif fields == DONE_FIELDS:
            what = quote(value) if isinstance(value, str) else describe_json_type(value)
            raise MalformedRow(f"{name}: {what} is neither yes nor no", kind=f"{name}: neither yes nor no")
        else:
            row_fields.put_back(name, value)


def _completion_claims(row_fields: RowFields) -> Iterator[Claim]:
    done = [
        claim for claim in _truth_claims(row_fields, COMPLETION_TIMES, Status(is_done=True)) if claim.status.is_done
    ]
    if done:
        yield done[0]
        return
    for name, value in row_fields.pop_all(PERCENT_FIELDS):
        percent = _parse_percent(value)
        if percent is None:
            row_fields.put_back(name, value)
        else:
            stage = Status(stage="doing") if percent else Status(is_plain=True)
            yield Claim(name, shorten(value), Status(is_done=True) if percent >= _MAX_PERCENT else stage)


def _parse_percent(value: object) -> float | None:
    """A number, also as text and with a percent sign."""
    if isinstance(value, str) and (match := _PERCENT.fullmatch(value.strip())):
        return float(match[1])
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _parse_truth(value: object) -> bool | None:
    """Whether it is true, or a time at which it became true; None if it is neither."""
    if isinstance(value, dict):
        value = next((inner for inner in value.values() if isinstance(inner, str)), None)
    if isinstance(value, int | float):
        return bool(value)
    if not isinstance(value, str):
        return None
    if _DATE.fullmatch(value.strip()) or value.strip().isdecimal():
        return not is_zero_date(value.strip())
    if (word := normalize_word(value)) in _TRUTHS:
        return _TRUTHS[word]
    status = STATUS_BY_WORD.get(word)
    return status.is_done or status.is_deleted if status and not status.stage and not status.label else None


def _describe_truth(value: object) -> str:
    is_word = isinstance(value, str) and (value.strip() in ("0", "1") or normalize_word(value) in _WORDS_OF_TRUTH)
    if is_word or (isinstance(value, int | float) and value <= 1):
        return str(value).strip().lower()
    return "(a time)"


def _require_agreement(claims: list[Claim]) -> None:
    if len(claims) < 2:  # noqa: PLR2004 - two may contradict each other
        return
    claims = [claim for claim in claims if normalize_word(claim.text) not in _VAGUE_WORDS]
    plain = [
        claim
        for claim in claims
        if not (claim.status.is_deleted or claim.status.is_archived or (claim.status.is_done and claim.status.label))
    ]
    for other in plain[1:]:
        if other.status.is_done != plain[0].status.is_done:
            raise MalformedRow(f"{plain[0].name} and {other.name} contradict each other")
