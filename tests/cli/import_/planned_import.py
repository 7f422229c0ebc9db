"""What an import would do with content, decided without a database."""

import json
from collections import Counter

from msgspec import Struct

from cli.import_.board_columns import BoardColumns
from cli.import_.importer import ImportOutcome
from cli.import_.mapping import ImportProject, MappedTask, RefusedRow, RepeatedRow, map_rows
from cli.import_.parsing import parse_json
from cli.import_.priority import PriorityScale, recognize_scale
from cli.import_.report import ImportReport, lines_of
from cli.import_.task_lists import find_rows
from commands.handling.outcome import Committed
from domain.column import DEFAULT_COLUMNS, Column
from tests.examples import PROJECT

NAME = "export.json"


class PlannedImport(Struct):
    """The tasks by title, the refused rows, and the report."""

    tasks: dict[str, MappedTask]
    refused: list[RefusedRow]
    remarks: Counter[str]
    ignored_fields: Counter[str]
    report: str

    @property
    def titles(self) -> set[str]:
        return set(self.tasks)


def plan(
    content: object,
    *,
    columns: tuple[Column, ...] = DEFAULT_COLUMNS,
    scale: PriorityScale | None = None,
    lists_all: bool = False,
) -> PlannedImport:
    """Plans the import of a JSON value, or of text as it stands in a file; raises OperatorError."""
    found = find_rows(parse_json(content if isinstance(content, str) else json.dumps(content), NAME), NAME)
    scale = scale or recognize_scale(found.rows)
    outcome, tasks = ImportOutcome(), {}
    for item in map_rows(found.rows, ImportProject(PROJECT, BoardColumns(columns), scale)):
        if isinstance(item, RefusedRow):
            outcome.refused_rows.append(item)
        elif isinstance(item, RepeatedRow):
            outcome.add_repeated(item)
        else:
            assert item.create.title not in tasks
            tasks[item.create.title] = item
            outcome.add_created(item, Committed((), 0))
    report = ImportReport(NAME, len(found.rows), found.other_fields, scale.description, lists_all, found.pull_requests)
    text = "\n".join(lines_of(outcome, report))
    return PlannedImport(tasks, outcome.refused_rows, outcome.remarks, outcome.ignored_fields, text)
