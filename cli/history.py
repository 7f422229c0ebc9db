"""`taskledger history`: what happened to a task."""

from pathlib import Path

import click

from cli import options
from cli.database import database_connection
from cli.events import formatting
from cli.events.streams import resolve_stream_id
from cli.output import print_line
from cli.past_events import EventLines
from domain.history import UNLISTED_EVENTS
from infra import log, settings
from infra.errors import OperatorError


@click.command
@options.data_option
@click.argument("task")
@options.json_option
def command(data: Path, task: str, as_json: bool) -> None:  # noqa: FBT001 - a flag
    """Show what happened to TASK, oldest first: also its comments, files, time entries and sub-tasks.

    TASK is the key of a task, such as KIT-1, or its id.
    """
    with database_connection(settings.resolve(data).database_url) as connection:
        stream = resolve_stream_id(connection, task)
        own, touching = log.load_stream(connection, stream), log.load_touching(connection, stream)
        if not own:
            raise OperatorError(f"The log has no events of {task}: check the id.")
        events = [one for one in log.in_commit_order(own, touching) if type(one.event) not in UNLISTED_EVENTS]
        for line in map(formatting.format_as_json, events) if as_json else EventLines(connection).lines(events):
            print_line(line)
