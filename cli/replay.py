"""`taskledger replay`: the history of a project as it happened."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from uuid import UUID

import click
from psycopg import Connection
from psycopg.rows import TupleRow

from cli import options
from cli.database import database_connection
from cli.events import formatting
from cli.events.streams import find_project
from cli.output import print_line
from cli.past_events import EventLines
from cli.read_models import query_read_models
from domain.event import RecordedEvent
from domain.history import UNLISTED_EVENTS
from infra import log, settings
from projections import project_history

_CHUNK_EVENTS = 500


@click.command
@options.data_option
@click.option("--project", required=True, help="The key of a project, or its id.")
@click.option("--from", "start", type=options.TIME, help="Begin at this time: 2026-03-01, or RFC 3339; UTC.")
@click.option("--to", "end", type=options.TIME, help="End before this time.")
@options.json_option
def command(data: Path, project: str, start: datetime | None, end: datetime | None, as_json: bool) -> None:  # noqa: FBT001 - a flag
    """Show what happened in a project and to the tasks that are in it now, oldest first."""
    with database_connection(settings.resolve(data).database_url) as connection:
        project_id, workspace_id = find_project(connection, project)
        found = (
            one
            for one in _project_events(connection, project_id, workspace_id)
            if (start is None or one.at >= start) and (end is None or one.at < end)
        )
        lines = EventLines(connection)
        while chunk := list(islice(found, _CHUNK_EVENTS)):
            for line in map(formatting.format_as_json, chunk) if as_json else lines.lines(chunk):
                print_line(line)


def _project_events(connection: Connection[TupleRow], project_id: UUID, workspace_id: UUID) -> Iterator[RecordedEvent]:
    """The events of a project, of its tasks, and of what is on them."""
    rows = query_read_models(connection, project_history.STREAMS_SQL, {"project": project_id})
    streams = {UUID(str(stream)) for (stream,) in rows}
    for one in log.iter_events(connection, log.EventSelection(workspace_id=workspace_id)):
        if type(one.event) not in UNLISTED_EVENTS and not streams.isdisjoint((one.stream, *one.event.touches())):
            yield one
