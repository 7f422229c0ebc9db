"""`taskledger events`: what the log says."""

import time
from pathlib import Path

import click
import msgspec

from cli import options
from cli.opened import database
from domain import codec
from domain.event import Recorded
from infra import log, settings

PAGE = 500


@click.group
def command() -> None:
    """Read the event log."""


@command.command
@options.data
@click.option("-n", "count", type=click.IntRange(0), default=10, show_default=True, help="How many of the last events.")
@click.option("--follow", "-f", is_flag=True, help="Go on with new events as they come, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
def tail(data: Path, count: int, follow: bool, as_json: bool) -> None:  # noqa: FBT001 - flags
    """Show the last events of the log, oldest first."""
    with database(settings.locate(data).database_url) as connection:
        position = log.before(connection, count)
        while True:
            batch = log.after(connection, position, PAGE)
            for recorded in batch:
                click.echo(_json(recorded) if as_json else _line(recorded))
                position = recorded.position
            if not batch and not follow:
                return
            if not batch:
                time.sleep(0.2)


def _line(recorded: Recorded) -> str:
    fields = msgspec.to_builtins(recorded.event)
    name = fields.pop("type")
    what = msgspec.json.encode(fields).decode()
    return (
        f"{recorded.position:>8}  {recorded.at:%Y-%m-%d %H:%M:%S}  {recorded.stream} v{recorded.version}"
        f"  by {recorded.actor.kind} {recorded.actor.id}  {name} {what}"
    )


def _json(recorded: Recorded) -> str:
    return msgspec.json.encode({"type": codec.tag(recorded.event), **msgspec.structs.asdict(recorded)}).decode()
