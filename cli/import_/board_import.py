"""Imports the file of a history for the command line: reads it, finds its project and its people, and reports."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from rich.progress import Progress

from cli.import_.file_reader import read_text
from cli.import_.history import report
from cli.import_.history.ids import FileIdentity, ForeignIds
from cli.import_.history.importer import HistoryImporter, HistoryOutcome
from cli.import_.history.target import Destination, find_history_target, find_people
from cli.import_.parsing import parse_json
from cli.import_.trello.board import read_board, read_people
from cli.import_.trello.export import Export, read_export
from cli.import_.trello.leaves import count_not_carried
from cli.open_instance import open_instance
from cli.output import print_line
from infra.errors import OperatorError
from infra.settings import Settings

MAX_FILE_BYTES: Final = 256 * 2**20


class HistoryFile(Struct, frozen=True):
    """An export that was read: its identity, the whole of it as JSON, and what of it is used."""

    name: str
    identity: FileIdentity
    value: dict[str, Any]
    export: Export


class HistoryJob(Struct, frozen=True):
    """Where a file is imported, by the names that the operator gave, with the addresses of people by their names."""

    file: HistoryFile
    destination: Destination
    people: Mapping[str, str]
    is_dry_run: bool = False
    lists_all: bool = False


def read_file(path: Path) -> HistoryFile:
    """The export of a Trello board in a file, plain or gzip, in strict UTF-8; raises OperatorError."""
    text = read_text(path, MAX_FILE_BYTES)
    value = parse_json(text, str(path))
    export = read_export(value, str(path))
    identity = FileIdentity("trello", export.id, sha256(text.encode()).hexdigest())
    return HistoryFile(path.name, identity, value, export)  # type: ignore[arg-type] # an export is an object


def read_emails(path: Path | None) -> dict[str, str]:
    """The e-mail addresses of people by their user names or names: a JSON object; raises OperatorError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if path else {}
    except OSError as error:
        raise OperatorError(f"Cannot read {path}: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise OperatorError(f"{path} is no JSON object of user names with e-mail addresses: {error}.") from error


async def import_history(settings: Settings, job: HistoryJob, bar: Progress) -> HistoryOutcome:
    """Import, wait until the read models show it, and print the report; raises OperatorError."""
    file, outcome, now = job.file, HistoryOutcome(job.is_dry_run), datetime.now(UTC)
    async with open_instance(settings) as instance:
        target = await find_history_target(instance, settings.database_url, file.identity, job.destination)
        if target.is_imported:
            print_line(report.line_of_existing(file.name, target.key))
            return outcome
        people = await find_people(instance, target, file.identity, read_people(file.export), job.people)
        board = read_board(file.export, ForeignIds(target.project_id), people[0], now)
        board.notes.not_carried.update(count_not_carried(file.value))
        importer = HistoryImporter(instance, target, outcome, now)
        task = bar.add_task("Importing", total=len(file.export.actions) + len(file.export.cards))
        position = await importer.run(board, *people, lambda: bar.advance(task))
        bar.update(task, description="Waiting for the read models")
        if position is not None:
            await importer.wait_until_shown(position)
    bar.stop()
    for line in report.lines_of(
        file.name, target.key, outcome, board.notes, lists_all=job.lists_all, former=len(people[1])
    ):
        print_line(line)
    return outcome
