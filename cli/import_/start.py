"""The start of a row: when its work shall begin."""

from typing import Final

from cli.import_.due import parse_due
from cli.import_.remarks import AddRemark
from cli.import_.row_fields import RowFields
from cli.import_.text_validation import MalformedRow
from commands.task_fields import require_start_before_due
from domain.errors import StartAfterDue

START_FIELDS: Final = ("start", "startdate", "starton", "startat", "startdatetime", "datestart")


def read_start(row_fields: RowFields, due: str | None, add_remark: AddRemark) -> str | None:
    """The start, not after the due date; a field that holds no date stays unread."""
    name, value = row_fields.pop_first(START_FIELDS)
    if value in (None, "", {}):
        return None
    remarks: list[str] = []
    try:
        start = parse_due(name, value, remarks.append)
        require_start_before_due(start, due)
    except MalformedRow:
        row_fields.put_back(name, value)
        return None
    except StartAfterDue:
        add_remark(f"{name} is after the due date: left out")
        return None
    for remark in remarks:
        add_remark(remark)
    return start
