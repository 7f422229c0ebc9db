"""`taskledger projections list`: the status of each read model."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from cli import options
from cli.database import database_connection
from cli.projections.table import print_table
from infra import settings
from infra.rebuilding.projection_status import ProjectionStatus, fetch_statuses

HEADERS = ("projection", "version", "state", "position", "lag", "seconds", "events/s", "parked", "rebuild")


@click.command
@options.data_option
def command(data: Path) -> None:
    """Show the position, lag and parked documents of each projection, and how long a rebuild takes."""
    with database_connection(settings.resolve(data).database_url) as connection:
        print_table(HEADERS, _rows(fetch_statuses(connection)))


def _rows(statuses: Iterable[ProjectionStatus]) -> Iterator[Sequence[str]]:
    for one in statuses:
        doing = f"{one.doing} {one.share:.0%}" if one.doing and one.share is not None else one.doing
        yield (
            one.name,
            str(one.version),
            doing or one.state,
            f"{one.position} of {one.head}",
            str(one.lag_events),
            f"{one.lag_seconds:.1f}",
            f"{one.events_per_s:.0f}",
            str(one.parked),
            f"{one.rebuild_seconds:.0f} s",
        )
