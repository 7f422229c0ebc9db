"""`taskledger projections`: how far the read models are, and folding them afresh from the log."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cli import options
from cli.opened import database, opened
from cli.projections import report
from cli.projections.watching import watched
from commands.handling.decision import CommandOn as Asked
from commands.handling.group import CommandRequest
from commands.projection import SkipEvent
from domain.errors import Forbidden
from domain.event import Actor
from domain.user import INSTANCE_STREAM_ID, EmailAddress, email_stream_id
from infra import settings
from infra.errors import OperatorError
from infra.ids import new_id
from infra.rebuilding import refold
from infra.rebuilding.outcome import RebuildOptions
from infra.rebuilding.rollback import roll_back
from projections.engine import builds, parked, status
from projections.engine.builds import Build, SyncConnection
from projections.engine.parked import ParkedDocument
from projections.projection import Projection, all_projections

WIDE = 160
_processes = click.option(
    "--workers",
    "processes",
    type=click.IntRange(1, 64),
    metavar="N",
    help="How many processes fold: one for each core unless told otherwise, none for a small log.",
)


@click.group
def command() -> None:
    """See how far the read models are, and rebuild or verify them."""


@command.command("list")
@options.data
def show(data: Path) -> None:
    """Show each projection: how far it has read, how far it is behind, what is parked, how long a rebuild takes."""
    with database(settings.resolve(data).database_url) as connection:
        _print(report.table(status.fetch_statuses(connection)))


@command.command
@options.data
@click.argument("name")
@_processes
@click.option("--expect-changes", is_flag=True, help="Switch even where rows differ from the live ones.")
def rebuild(data: Path, name: str, processes: int | None, expect_changes: bool) -> None:  # noqa: FBT001 - a flag
    """Fold the whole log afresh into NAME, compare with what is live, and switch.

    Readers see the old rows until the switch, and the new ones from then on. Where rows differ nothing is switched,
    unless that was expected. Exits with 1 then.
    """
    found = settings.resolve(data)
    with database(found.database_url) as connection:
        outcome = watched(
            connection, found.database_url, _named(name), RebuildOptions(processes, expect_changes=expect_changes)
        )
    report.say(name, outcome)
    raise SystemExit(0 if outcome.switched else 1)


@command.command
@options.data
@click.argument("name", required=False)
@_processes
def verify(data: Path, name: str | None, processes: int | None) -> None:
    """Fold the log afresh and compare NAME, or all, with it row by row; exits with 1 where anything differs."""
    found, outcomes = settings.resolve(data), []
    with database(found.database_url) as connection:
        for projection in [_named(name)] if name else all_projections().values():
            wish = RebuildOptions(processes, verify_only=True)
            outcomes.append(watched(connection, found.database_url, projection, wish))
            report.say(projection.name, outcomes[-1])
    raise SystemExit(0 if all(outcome.compared and not outcome.differences for outcome in outcomes) else 1)


@command.command
@options.data
@click.argument("name")
def rollback(data: Path, name: str) -> None:
    """Let the build answer again that answered before the last rebuild of NAME, once it has caught up."""
    with database(settings.resolve(data).database_url) as connection:
        build = roll_back(connection, _named(name))
    click.echo(f"{name}: build {build.number} answers again.")


@command.command("parked")
@options.data
@click.argument("name", required=False)
def show_parked(data: Path, name: str | None) -> None:
    """Show the documents that are shown no further, each with its first event that cannot be folded."""
    with database(settings.resolve(data).database_url) as connection:
        rows = Table("projection", "document", "position", "since", "because", box=None, pad_edge=False)
        for build, one in _parked(connection, name):
            since = f"{one.parked_at:%Y-%m-%d %H:%M}"
            rows.add_row(build.projection.name, one.document, str(one.position), since, one.reason)
    _print(rows if rows.row_count else "Nothing is parked.")


@command.command
@options.data
@click.argument("name")
@click.argument("document", required=False)
def retry(data: Path, name: str, document: str | None) -> None:
    """Fold the parked documents of NAME, or one DOCUMENT, again from the log; exits with 1 if any stays parked."""
    with database(settings.resolve(data).database_url) as connection:
        chosen = _chosen(connection, name, document)
        answers = [_retried(connection, build, one) for build, one in chosen]
        if not chosen:
            click.echo(f"Nothing of {name} is parked.")
    raise SystemExit(0 if all(answers) else 1)


@command.command
@options.data
@click.argument("name")
@click.argument("document")
@click.option("--reason", required=True, help="Why: it is kept in the log for ever.")
@click.option("--as", "email", required=True, metavar="EMAIL", help="The administrator who decides it.")
def skip(data: Path, name: str, document: str, reason: str, email: str) -> None:
    """Leave the event that a parked DOCUMENT of NAME cannot be folded with out of it, now and in every rebuild.

    The decision is an event of the log itself. Exits with 1 if a later event parks the document again.
    """
    found = settings.resolve(data)
    with database(found.database_url) as connection:
        ((build, one),) = _chosen(connection, name, document)
        asyncio.run(_skip(found, build.projection, one, reason, email))
        is_shown = _retried(connection, build, one)
    raise SystemExit(0 if is_shown else 1)


async def _skip(
    found: settings.Settings, projection: Projection[Any], one: ParkedDocument, reason: str, email: str
) -> None:
    wish = SkipEvent(projection=projection.name, document=one.document, position=one.position, reason=reason)
    async with opened(found) as instance:
        address = await instance.log.load_state(EmailAddress, email_stream_id(email))
        if address is None:
            raise OperatorError(f"Nobody is registered as {email}: check --as.")
        try:
            await instance.handling.handle(
                CommandRequest([Asked(INSTANCE_STREAM_ID, wish)], Actor(address.user_id), new_id())
            )
        except Forbidden as error:
            raise OperatorError(f"{email} does not administer this installation: only who does may skip.") from error


def _retried(connection: SyncConnection, build: Build, one: ParkedDocument) -> bool:
    still = refold.retry_parked(connection, build, one)
    said = f"stays parked at {still.position}: {still.reason}" if still else "is folded again"
    click.echo(f"{build.projection.name} {one.document} {said}.")
    return still is None


def _chosen(connection: SyncConnection, name: str, document: str | None) -> list[tuple[Build, ParkedDocument]]:
    """What is parked of a projection, or one of it."""
    _named(name)
    found = [pair for pair in _parked(connection, name) if document in {None, pair[1].document}]
    if document and not found:
        raise OperatorError(f"{name} has parked no document {document}: `taskledger projections parked` shows all.")
    return found


def _parked(connection: SyncConnection, name: str | None) -> Iterable[tuple[Build, ParkedDocument]]:
    for build in builds.serving_builds(connection).values():
        if name in {None, build.projection.name}:
            yield from ((build, one) for one in parked.all_parked(connection, build))


def _print(shown: Table | str) -> None:
    """As wide as it is: who pipes it has no terminal that it must fit into."""
    console = Console()
    Console(width=console.width if console.is_terminal else WIDE).print(shown)


def _named(name: str) -> Projection[Any]:
    if name not in all_projections():
        raise OperatorError(f"There is no projection {name!r}: choose one of {', '.join(all_projections())}.")
    return all_projections()[name]
