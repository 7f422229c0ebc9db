"""The progress of a row: done, deleted, and the column that it belongs to."""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from cli.import_.board_columns import BoardColumns
from cli.import_.due import is_zero_date
from cli.import_.field_names import normalize_word
from cli.import_.remarks import AddRemark
from cli.import_.row_fields import RowFields
from cli.import_.rows import describe_json_type
from cli.import_.status_words import STATUS_BY_WORD, Status
from cli.import_.text_validation import MalformedRow, is_uuid, require_text

STATUS_FIELDS: Final = ("status", "state", "statedetail")
DONE_FIELDS: Final = (
    *("done", "completed", "complete", "isdone", "iscompleted", "iscomplete", "checked", "ischecked"),
    *("finished", "isfinished", "duecomplete"),
)
CLOSED_FIELDS: Final = ("closed", "isclosed", "resolved")
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
COMPLETION_TIMES: Final = (
    *("completedat", "completedon", "completeddate", "completiondate", "completeddatetime", "datecompleted"),
    *("closedat", "dateclosed", "finishedat", "doneat", "resolvedat"),
)
"""Read only where no other field says whether the task is done."""
PERCENT_FIELDS: Final = ("percentcomplete",)
_NAMES: Final = ("name", "status", "title", "label", "value", "displayName")
_KINDS: Final = ("type", "group", "category", "statusCategory", "key")
_DATE: Final = re.compile(r"\d{4}-?\d\d-?\d\d([T ].*)?", re.ASCII)
_MAX_PERCENT: Final = 100


class TaskProgress(Struct, frozen=True):
    """Done or not, deleted or not, the id of the column (None: the first), and a label for what is left."""

    is_done: bool = False
    is_deleted: bool = False
    column: str | None = None
    label: str | None = None


class _Claim(Struct, frozen=True):
    """What one field says."""

    name: str
    text: str
    status: Status


def read_progress(row_fields: RowFields, columns: BoardColumns, add_remark: AddRemark) -> TaskProgress:
    """The progress that all fields together say; raises MalformedRow if two contradict each other."""
    claims = [*_status_claims(row_fields), *_truth_claims(row_fields, DONE_FIELDS, Status(is_done=True, is_plain=True))]
    claims = claims or list(_completion_claims(row_fields))
    _require_agreement(claims)
    main = claims[0] if claims else None
    status = main.status if main else Status()
    if any(claim.status.is_done for claim in claims) and not status.is_done:
        status = Status(is_done=True, stage=status.stage, label=status.label)
    progress = _place(main, status, row_fields, columns, add_remark)
    for claim in _overriding_claims(row_fields):
        adds_nothing = progress.is_deleted if claim.status.is_deleted else progress.is_done and claim.status.is_plain
        if not adds_nothing:
            label = progress.label or claim.status.label
            is_deleted = progress.is_deleted or claim.status.is_deleted
            progress = TaskProgress(progress.is_done or claim.status.is_done, is_deleted, progress.column, label)
            add_remark(f"{claim.name} {claim.text} became {_describe(claim.status)}")
    return progress


def _status_claims(row_fields: RowFields) -> Iterator[_Claim]:
    """The first status that is no reference to one; others stay unread."""
    for field in STATUS_FIELDS:
        name, value = row_fields.pop_first((field,))
        if is_uuid(value):
            row_fields.put_back(name, value)
        elif value not in (None, "", {}):
            yield _Claim(name, *_parse_status(name, value))
            return


def _parse_status(name: str, value: object) -> tuple[str, Status]:
    """The status as text, and what it says; a status of no known meaning is open."""
    kind: object = None
    if isinstance(value, dict):
        kind = next((value[key] for key in _KINDS if key in value), None)
        kind = kind.get("key") if isinstance(kind, dict) else kind
        value = next((value[key] for key in _NAMES if value.get(key)), kind)
    if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
        return str(value).lower(), Status(is_done=bool(value), is_plain=True)
    if not isinstance(value, str):
        raise MalformedRow(f"{name}: {describe_json_type(value)}, neither a status nor yes or no")
    by_kind = STATUS_BY_WORD.get(normalize_word(kind)) if isinstance(kind, str) else None
    by_name = STATUS_BY_WORD.get(normalize_word(value))
    if by_name and by_kind and by_kind.is_done != by_name.is_done:
        return value, by_kind
    return value, by_name or by_kind or Status(label=value.strip())


def _truth_claims(row_fields: RowFields, fields: tuple[str, ...], status: Status) -> Iterator[_Claim]:
    for name, value in row_fields.pop_all(fields):
        if value in ("", {}):
            continue
        is_true = _parse_truth(value)
        if is_true is not None:
            yield _Claim(name, _describe_truth(value), status if is_true else Status(is_plain=True))
        elif fields == DONE_FIELDS:
            what = repr(value) if isinstance(value, str) else describe_json_type(value)
            raise MalformedRow(f"{name}: {what} is neither yes nor no", kind=f"{name}: neither yes nor no")
        else:
            row_fields.put_back(name, value)


def _completion_claims(row_fields: RowFields) -> Iterator[_Claim]:
    done = [
        claim for claim in _truth_claims(row_fields, COMPLETION_TIMES, Status(is_done=True)) if claim.status.is_done
    ]
    if done:
        yield done[0]
        return
    for name, value in row_fields.pop_all(PERCENT_FIELDS):
        if isinstance(value, int | float):
            stage = Status(stage="doing") if value else Status(is_plain=True)
            yield _Claim(name, str(value), Status(is_done=True) if value >= _MAX_PERCENT else stage)


def _overriding_claims(row_fields: RowFields) -> Iterator[_Claim]:
    """Fields that say more if they are true, and nothing if they are false."""
    for fields, status in (
        (CLOSED_FIELDS, Status(is_done=True, is_plain=True)),
        (ARCHIVED_FIELDS, Status(is_done=True, label="archived")),
        (DELETED_FIELDS, Status(is_deleted=True)),
    ):
        claims = [claim for claim in _truth_claims(row_fields, fields, status) if claim.status == status]
        yield from claims[:1]


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
    status = STATUS_BY_WORD.get(normalize_word(value))
    return status.is_done or status.is_deleted if status and not status.stage and not status.label else None


def _describe_truth(value: object) -> str:
    return "(a time)" if isinstance(value, str | dict) or (isinstance(value, int) and value > 1) else str(value).lower()


def _require_agreement(claims: list[_Claim]) -> None:
    plain = [
        claim for claim in claims if not claim.status.is_deleted and not (claim.status.is_done and claim.status.label)
    ]
    for other in plain[1:]:
        if other.status.is_done != plain[0].status.is_done:
            raise MalformedRow(f"{plain[0].name} and {other.name} contradict each other")


def _place(
    claim: _Claim | None, status: Status, row_fields: RowFields, columns: BoardColumns, add_remark: AddRemark
) -> TaskProgress:
    """The column is the one that the row names, or that has the name of the status, or is for its stage."""
    column_id = _own_column(row_fields, columns)
    if claim is None:
        return TaskProgress(column=column_id)
    named = None if status.is_done or status.is_deleted else columns.find_named(claim.text)
    label = None if named else status.label
    if column_id is None and named:
        column_id = named.id
    elif column_id is None and status.stage and not status.is_done:
        column = columns.find_for(status.stage)
        if column is None and status.stage == "review":
            column = columns.find_for("doing")
        elif column is None and status.stage == "doing":
            label = "in progress"
        elif column is not None:
            label = None
        column_id = column.id if column else None
    progress = TaskProgress(
        status.is_done, status.is_deleted, column_id, label and require_text(claim.name, label, "label")
    )
    if label or not status.is_plain:
        add_remark(f"{claim.name} {_quote(claim.text)} became {_describe(status, label, column_id)}")
    elif column_id and not named and status.stage:
        add_remark(f"{claim.name} {_quote(claim.text)} became the column {_name_of(columns, column_id)!r}")
    return progress


def _own_column(row_fields: RowFields, columns: BoardColumns) -> str | None:
    name, value = row_fields.pop_first(("column",))
    column = columns.find_named(value) if isinstance(value, str) else None
    if column is None and value is not None:
        row_fields.put_back(name, value)
    return column.id if column else None


def _name_of(columns: BoardColumns, column_id: str) -> str:
    return next(one.name for one in columns.columns if one.id == column_id)


def _quote(text: str) -> str:
    return text if text in ("true", "1", "(a time)") else repr(text)


def _describe(status: Status, label: str | None = None, column_id: str | None = None) -> str:
    label = label or (status.label if status.is_done else None)
    if status.is_deleted:
        return "a task in the trash"
    state = "done" if status.is_done else "in progress" if column_id and status.stage in ("doing", "review") else "open"
    return f"{state}, with the label {label!r}" if label else state
