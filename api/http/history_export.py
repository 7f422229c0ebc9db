"""The export of a history: all events of a workspace, oldest first, as lines of JSON or as CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec.structs import asdict

from api.http import history_items
from api.http.history_items import HistoryItem
from domain.access import ExportFormat
from infra.log import history
from infra.log.event_log import EventLog

MEDIA_TYPES: Final[dict[ExportFormat, str]] = {"jsonl": "application/x-jsonlines", "csv": "text/csv; charset=utf-8"}
_COLUMNS: Final = (
    *("position", "version", "type", "at", "actor_kind", "actor_id", "actor_name", "on_behalf_of"),
    *("command_id", "correlation_id", "causation_id", "stream", "field", "old", "new"),
)
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


class HistoryExport:
    """The events of a workspace up to a position."""

    def __init__(self, log: EventLog, workspace: UUID, head: int, format_: ExportFormat) -> None:
        self._log, self._workspace, self._head = log, workspace, head
        self._encode: Callable[[Sequence[HistoryItem]], bytes] = _json_lines if format_ == "jsonl" else _csv_rows
        self._after = 0
        self._preamble = b"" if format_ == "jsonl" else _csv_lines([_COLUMNS])

    async def read_piece(self) -> bytes:
        """The next lines; empty at the end."""
        preamble, self._preamble = self._preamble, b""
        events = await history.load_of_workspace(self._log, self._workspace, self._after, self._head)
        if events:
            self._after = events[-1].position
        return preamble + self._encode(await history_items.load_items(self._log, events))

    def close(self) -> None:
        """Nothing is open between two pieces."""


def _json_lines(items: Iterable[HistoryItem]) -> bytes:
    return b"".join(msgspec.json.encode(item) + b"\n" for item in items)


def _csv_rows(items: Iterable[HistoryItem]) -> bytes:
    return _csv_lines(row for item in items for row in _rows_of(item))


def _rows_of(item: HistoryItem) -> Iterator[Sequence[Any]]:
    """A row for each field that an event changed, at least one."""
    actor = asdict(item.actor)
    who = [actor["kind"], actor["id"], actor["name"], actor["on_behalf_of"]]
    event = [item.position, item.version, item.type, item.at.isoformat(), *who]
    event += [item.command_id, item.correlation_id, item.causation_id, item.stream]
    if not item.changes:
        yield [*event, None, None, None]
    for field, (old, new) in item.changes.items():
        yield [*event, field, _cell(old), _cell(new)]


def _cell(value: Any) -> str | None:
    """A value as text: a text as it is, anything else as JSON, null as nothing."""
    return value if value is None or isinstance(value, str) else msgspec.json.encode(value).decode()


def _csv_lines(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _harmless(cell: Any) -> Any:
    """The cell; a text that a spreadsheet would take for a formula begins with an apostrophe (OWASP, CSV injection)."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
