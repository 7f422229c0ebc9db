"""`taskledger events`: shows, follows and exports the event log."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import click
from psycopg import Connection
from psycopg.rows import TupleRow

from cli import options
from cli.database import database_connection
from cli.events import formatting
from cli.events.streams import resolve_stream_id
from cli.output import print_line
from domain import codec
from domain.upcasts import UPCASTS
from domain.workspace import WorkspaceCreated
from infra import log, settings
from infra.errors import OperatorError

MAX_BATCH_EVENTS = 500
POSITION_RANGE = click.IntRange(0, log.MAX_VERSION)


@click.group
def command() -> None:
    """Read the event log."""


@command.command
@options.data_option
@click.option(
    "-n", "count", type=click.IntRange(0, 1_000_000), default=10, show_default=True, help="How many events to show."
)
@click.option("--follow", "-f", is_flag=True, help="Keep printing new events until Ctrl-C.")
@options.json_option
def tail(data: Path, count: int, follow: bool, as_json: bool) -> None:  # noqa: FBT001 - flags
    """Show the last events of the log, oldest first."""
    with database_connection(settings.resolve(data).database_url) as connection:
        position = log.position_before_last(connection, count)
        while True:
            batch = log.load_after(connection, position, MAX_BATCH_EVENTS)
            for recorded in batch:
                print_line(formatting.format_as_json(recorded) if as_json else formatting.format_as_text(recorded))
                position = recorded.position
            if not batch and not follow:
                return
            if not batch:
                time.sleep(0.2)


@command.command
@options.data_option
@click.argument("stream")
@click.option("--from", "first", type=POSITION_RANGE, default=1, help="The first version to show.")
@click.option("--to", "last", type=POSITION_RANGE, default=log.MAX_VERSION, help="The last version to show.")
@options.json_option
def show(data: Path, stream: str, first: int, last: int, as_json: bool) -> None:  # noqa: FBT001 - a flag
    """Show the events of STREAM, oldest first.

    STREAM is the id of a stream, or the key of a task such as KIT-1.
    """
    with database_connection(settings.resolve(data).database_url) as connection:
        events = log.load_stream(connection, resolve_stream_id(connection, stream), first, last)
        if not events:
            raise OperatorError(f"The log has no events of {stream} in this range: check the id, --from and --to.")
        for recorded in events:
            print_line(formatting.format_as_json(recorded) if as_json else formatting.format_as_text(recorded))


@command.command
@options.data_option
@click.option("--after", type=POSITION_RANGE, default=0, show_default=True, help="Start after this position.")
@click.option("--workspace", type=click.UUID, help="Only events of this workspace.")
@click.option("--type", "types", multiple=True, metavar="NAME", help="Only events of this type; may be repeated.")
@click.option(
    "--output",
    "-o",
    type=click.File("wb", lazy=False),
    default="-",
    help="Write to this file instead of standard output.",
)
def export(data: Path, after: int, workspace: UUID | None, types: tuple[str, ...], output: BinaryIO) -> None:
    """Write the log as JSON Lines, oldest first."""
    count = 0
    with database_connection(settings.resolve(data).database_url) as connection:
        _require_types(connection, types)
        _require_workspace(connection, workspace)
        for recorded in log.iter_events(connection, log.EventSelection(after, workspace, types or None)):
            output.write(formatting.format_as_json(recorded).encode() + b"\n")
            count += 1
    if output.name != "<stdout>":
        print_line(f"{count} events written to {output.name}.", to_stderr=True)


def _require_types(connection: Connection[TupleRow], types: Iterable[str]) -> None:
    """Raise OperatorError for a type that neither this version nor, from another one, the log has."""
    for name in sorted(set(types) - codec.all_event_types().keys() - UPCASTS.keys()):
        if not log.has_type(connection, name):
            raise OperatorError(f"There is no event type named {name}: check --type.")


def _require_workspace(connection: Connection[TupleRow], workspace: UUID | None) -> None:
    first_events = log.load_stream(connection, workspace, 1, 1) if workspace else []
    if workspace and not any(isinstance(recorded.event, WorkspaceCreated) for recorded in first_events):
        raise OperatorError(f"There is no workspace with the id {workspace}: check --workspace.")
