"""The progress of a row: done, archived, deleted, and the column that it belongs to."""

from msgspec import Struct
from msgspec.structs import replace

from cli.import_.board_columns import BoardColumns
from cli.import_.progress_claims import Claim, claims_of_list, read_claims, read_overriding_claims, state_claims_of_list
from cli.import_.remarks import AddRemark
from cli.import_.row_fields import RowFields
from cli.import_.rows import Row
from cli.import_.shortening import quote
from cli.import_.status_words import Status
from cli.import_.text_validation import require_text
from domain.column import Column


class TaskProgress(Struct, frozen=True):
    """Done, archived and deleted or not, the id of the column (None: the first), and a label for what is left."""

    is_done: bool = False
    is_deleted: bool = False
    is_archived: bool = False
    column: str | None = None
    label: str | None = None


def read_progress(row_fields: RowFields, row: Row, columns: BoardColumns, add_remark: AddRemark) -> TaskProgress:
    """The progress that all fields together say, else the list; raises MalformedRow if two contradict each other."""
    claims = read_claims(row_fields) or claims_of_list(row.list_name)
    own_column = _read_column(row_fields, columns)
    progress = _place(claims[0], columns, add_remark) if claims else TaskProgress()
    progress = replace(
        progress,
        is_done=progress.is_done or any(claim.status.is_done for claim in claims),
        is_archived=any(claim.status.is_archived for claim in claims),
        column=own_column.id if own_column else progress.column,
    )
    for claim in (*read_overriding_claims(row_fields), *state_claims_of_list(row.list_state)):
        status = claim.status
        if _says_nothing_new(status, progress):
            continue
        progress = replace(
            progress,
            is_done=progress.is_done or status.is_done,
            is_deleted=progress.is_deleted or status.is_deleted,
            is_archived=progress.is_archived or status.is_archived,
            label=progress.label or status.label,
        )
        add_remark(f"{claim.name} {claim.text} became {_describe(status, status.label)}")
    return progress


def _says_nothing_new(status: Status, progress: TaskProgress) -> bool:
    if status.is_deleted or status.is_archived:
        return progress.is_deleted if status.is_deleted else progress.is_archived
    return progress.is_done and status.is_plain


def _read_column(row_fields: RowFields, columns: BoardColumns) -> Column | None:
    """The column that the row names, if the board has it; else the field stays unread."""
    name, value = row_fields.pop_first(("column",))
    column = columns.find_named(value) if isinstance(value, str) else None
    if column is None and value is not None:
        row_fields.put_back(name, value)
    return column


def _place(claim: Claim, columns: BoardColumns, add_remark: AddRemark) -> TaskProgress:
    """What one claim says, on this board; with a remark, unless it says nothing else than Taskledger does."""
    status, text = claim.status, claim.text if claim.is_truth else quote(claim.text)
    is_open = not status.is_done and not status.is_deleted
    named = columns.find_named(claim.text) if is_open else None
    column, label = (named, None) if named or not is_open else _find_column(status, columns)
    label = label if is_open else status.label
    if label or (not status.is_plain and not named):
        state = _describe(status, label, is_in_progress=column is not None and status.stage in ("doing", "review"))
        add_remark(f"{claim.name} {text} became {state}")
    elif column and not named:
        add_remark(f"{claim.name} {text} became the column {column.name!r}")
    valid_label = label and require_text(claim.name, label, "label")
    return TaskProgress(status.is_done, status.is_deleted, column=column.id if column else None, label=valid_label)


def _find_column(status: Status, columns: BoardColumns) -> tuple[Column | None, str | None]:
    """The column for the stage of an open task, and a label for what it does not say."""
    if status.stage is None:
        return None, status.label
    column = columns.find_for(status.stage)
    if column is None and status.stage == "review":
        return columns.find_for("doing"), status.label
    return column, "in progress" if column is None and status.stage == "doing" else None


def _describe(status: Status, label: str | None, *, is_in_progress: bool = False) -> str:
    if status.is_deleted:
        return "a task in the trash"
    if status.is_archived:
        return "done, in the archive" if status.is_done else "a task in the archive"
    state = "done" if status.is_done else "in progress" if is_in_progress else "open"
    return f"{state}, with the label {label!r}" if label else state
