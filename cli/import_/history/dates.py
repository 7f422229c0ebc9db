"""Dates of a history: valid ones, of which the start is not after the due date."""

from msgspec import Struct, field

from cli.import_.history.intention import Notes
from commands.field_types import normalize_date
from commands.task_fields import require_start_before_due
from domain.errors import StartAfterDue


class Dates(Struct, frozen=True):
    """Makes dates of a file valid; `notes` tell what was left out, once for each."""

    notes: Notes
    _told: set[object] = field(default_factory=set)

    def valid(self, text: str | None) -> str | None:
        """A date or a time as it is stored; None for what is neither."""
        try:
            return normalize_date(text)
        except ValueError:
            self._tell(text, "dates that do not exist were left out")
            return None

    def start(self, start: str | None, due: str | None) -> str | None:
        """The start, unless it is after the due date."""
        try:
            require_start_before_due(start, due)
        except StartAfterDue:
            self._tell((start, due), "starts after the due date were left out")
            return None
        return start

    def _tell(self, what: object, remark: str) -> None:
        self.notes.remarks[remark] += what not in self._told
        self._told.add(what)
