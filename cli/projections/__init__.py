"""`taskledger projections`: how far the read models are, and folding them afresh from the log."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cli import options
from cli.database import database_connection
from cli.open_instance import open_instance
from cli.projections import report
from cli.projections.progress_bar import rebuild_with_progress
from commands.handling.decision import CommandOn as Asked
from commands.handling.request import CommandRequest
from commands.projection import SkipEvent
from domain.errors import Forbidden
from domain.event import Actor
from domain.instance import INSTANCE_STREAM_ID
from domain.user import EmailAddress, email_stream_id
from infra import settings
from infra.errors import OperatorError
from infra.ids import new_id
from infra.rebuilding import projection_status, refold
from infra.rebuilding.rebuild import RebuildOptions
from infra.rebuilding.rollback import roll_back
from projections.engine import builds, parked
from projections.engine.builds import Build
from projections.engine.connection import SyncConnection
from projections.engine.parked import ParkedDocument
from projections.projection import Projection, all_projections

PIPED_WIDTH_CHARS = 160
_workers_option = click.option(
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
@options.data_option
def list_projections(data: Path) -> None:
    """Show each projection: how far it has read, how far it is behind, what is parked, how long a rebuild takes."""
    with database_connection(settings.resolve(data).database_url) as connection:
        _print_wide(report.status_table(projection_status.fetch_statuses(connection)))


@command.command
@options.data_option
@click.argument("name")
@_workers_option
@click.option("--expect-changes", is_flag=True, help="Switch even where rows differ from the live ones.")
def rebuild(data: Path, name: str, processes: int | None, expect_changes: bool) -> None:  # noqa: FBT001 - a flag
    """Fold the whole log afresh into NAME, compare with what is live, and switch.

    Readers see the old rows until the switch, and the new ones from then on. Where rows differ nothing is switched,
    unless that was expected. Exits with 1 then.
    """
    app_settings = settings.resolve(data)
    with database_connection(app_settings.database_url) as connection:
        outcome = rebuild_with_progress(
            connection,
            app_settings.database_url,
            _find_projection(name),
            RebuildOptions(processes, expect_changes=expect_changes),
        )
    report.print_outcome(name, outcome)
    raise SystemExit(0 if outcome.switched else 1)


@command.command
@options.data_option
@click.argument("name", required=False)
@_workers_option
def verify(data: Path, name: str | None, processes: int | None) -> None:
    """Fold the log afresh and compare NAME, or all, with it row by row; exits with 1 where anything differs."""
    app_settings, outcomes = settings.resolve(data), []
    with database_connection(app_settings.database_url) as connection:
        for projection in [_find_projection(name)] if name else all_projections().values():
            rebuild_options = RebuildOptions(processes, verify_only=True)
            outcomes.append(rebuild_with_progress(connection, app_settings.database_url, projection, rebuild_options))
            report.print_outcome(projection.name, outcomes[-1])
    raise SystemExit(0 if all(outcome.compared and not outcome.differences for outcome in outcomes) else 1)


@command.command
@options.data_option
@click.argument("name")
def rollback(data: Path, name: str) -> None:
    """Let the build answer again that answered before the last rebuild of NAME, once it has caught up."""
    with database_connection(settings.resolve(data).database_url) as connection:
        build = roll_back(connection, _find_projection(name))
    click.echo(f"{name}: build {build.number} answers again.")


@command.command("parked")
@options.data_option
@click.argument("name", required=False)
def list_parked(data: Path, name: str | None) -> None:
    """Show the documents that are shown no further, each with its first event that cannot be folded."""
    with database_connection(settings.resolve(data).database_url) as connection:
        rows = Table("projection", "document", "position", "since", "because", box=None, pad_edge=False)
        for build, parked_document in _fetch_parked(connection, name):
            since = f"{parked_document.parked_at:%Y-%m-%d %H:%M}"
            rows.add_row(
                build.projection.name,
                parked_document.document,
                str(parked_document.position),
                since,
                parked_document.reason,
            )
    _print_wide(rows if rows.row_count else "Nothing is parked.")


@command.command
@options.data_option
@click.argument("name")
@click.argument("document", required=False)
def retry(data: Path, name: str, document: str | None) -> None:
    """Fold the parked documents of NAME, or one DOCUMENT, again from the log; exits with 1 if any stays parked."""
    with database_connection(settings.resolve(data).database_url) as connection:
        parked_documents = _select_parked(connection, name, document)
        results = [_retry_document(connection, build, parked_document) for build, parked_document in parked_documents]
        if not parked_documents:
            click.echo(f"Nothing of {name} is parked.")
    raise SystemExit(0 if all(results) else 1)


@command.command
@options.data_option
@click.argument("name")
@click.argument("document")
@click.option("--reason", required=True, help="Why: it is kept in the log for ever.")
@click.option("--as", "email", required=True, metavar="EMAIL", help="The administrator who decides it.")
def skip(data: Path, name: str, document: str, reason: str, email: str) -> None:
    """Leave the event that a parked DOCUMENT of NAME cannot be folded with out of it, now and in every rebuild.

    The decision is an event of the log itself. Exits with 1 if a later event parks the document again.
    """
    app_settings = settings.resolve(data)
    with database_connection(app_settings.database_url) as connection:
        ((build, parked_document),) = _select_parked(connection, name, document)
        asyncio.run(_append_skip(app_settings, build.projection, parked_document, reason, email))
        is_folded = _retry_document(connection, build, parked_document)
    raise SystemExit(0 if is_folded else 1)


async def _append_skip(
    app_settings: settings.Settings,
    projection: Projection[Any],
    parked_document: ParkedDocument,
    reason: str,
    email: str,
) -> None:
    skip_event = SkipEvent(
        projection=projection.name, document=parked_document.document, position=parked_document.position, reason=reason
    )
    async with open_instance(app_settings) as instance:
        email_address = await instance.log.load_state(EmailAddress, email_stream_id(email))
        if email_address is None:
            raise OperatorError(f"Nobody is registered as {email}: check --as.")
        try:
            await instance.command_handler.handle(
                CommandRequest([Asked(INSTANCE_STREAM_ID, skip_event)], Actor(email_address.user_id), new_id())
            )
        except Forbidden as error:
            raise OperatorError(f"{email} does not administer this installation: only who does may skip.") from error


def _retry_document(connection: SyncConnection, build: Build, parked_document: ParkedDocument) -> bool:
    still_parked = refold.retry_parked(connection, build, parked_document)
    result = f"stays parked at {still_parked.position}: {still_parked.reason}" if still_parked else "is folded again"
    click.echo(f"{build.projection.name} {parked_document.document} {result}.")
    return still_parked is None


def _select_parked(connection: SyncConnection, name: str, document: str | None) -> list[tuple[Build, ParkedDocument]]:
    """What is parked of a projection, or one of it."""
    _find_projection(name)
    matching = [pair for pair in _fetch_parked(connection, name) if document in {None, pair[1].document}]
    if document and not matching:
        raise OperatorError(f"{name} has parked no document {document}: `taskledger projections parked` shows all.")
    return matching


def _fetch_parked(connection: SyncConnection, name: str | None) -> Iterable[tuple[Build, ParkedDocument]]:
    for build in builds.serving_builds(connection).values():
        if name in {None, build.projection.name}:
            yield from ((build, one) for one in parked.all_parked(connection, build))


def _print_wide(content: Table | str) -> None:
    """As wide as it is: who pipes it has no terminal that it must fit into."""
    console = Console()
    Console(width=console.width if console.is_terminal else PIPED_WIDTH_CHARS).print(content)


def _find_projection(name: str) -> Projection[Any]:
    if name not in all_projections():
        raise OperatorError(f"There is no projection {name!r}: choose one of {', '.join(all_projections())}.")
    return all_projections()[name]
