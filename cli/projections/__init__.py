"""`taskledger projections`: list, rebuild, verify and roll back the read models; retry or skip parked documents."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from cli import options
from cli.database import database_connection
from cli.open_instance import open_instance
from cli.output import print_line
from cli.projections import report
from cli.projections.progress_bar import rebuild_with_progress
from commands.handling.command_on import CommandOn as Asked
from commands.handling.request import CommandRequest
from commands.projection import SkipEvent
from domain.errors import Forbidden
from domain.event import Actor
from domain.instance import INSTANCE_STREAM_ID
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

_workers_option = click.option(
    "--workers",
    "processes",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Number of processes that fold. Default: one for each core, or none for a small log.",
)


@click.group
def command() -> None:
    """Show, rebuild and verify the read models."""


@command.command("list")
@options.data_option
def list_projections(data: Path) -> None:
    """Show the position, lag and parked documents of each projection, and how long a rebuild takes."""
    with database_connection(settings.resolve(data).database_url) as connection:
        report.print_statuses(projection_status.fetch_statuses(connection))


@command.command
@options.data_option
@click.argument("name")
@_workers_option
@click.option("--expect-changes", is_flag=True, help="Switch even if rows differ from the live ones.")
def rebuild(data: Path, name: str, processes: int | None, expect_changes: bool) -> None:  # noqa: FBT001 - a flag
    """Rebuild NAME from the whole log, compare it with the live rows, and switch.

    Readers see the old rows until the switch, and the new ones after it. If rows differ, it does not switch and exits
    with 1, unless --expect-changes is given.
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
    """Fold the log again and compare NAME, or all, with it row by row; exits with 1 if anything differs."""
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
    """Serve the build from before the last rebuild of NAME again, after it has caught up."""
    with database_connection(settings.resolve(data).database_url) as connection:
        build = roll_back(connection, _find_projection(name))
    print_line(f"{name}: build {build.number} is live again.")


@command.command("parked")
@options.data_option
@click.argument("name", required=False)
def list_parked(data: Path, name: str | None) -> None:
    """Show documents that stopped updating because an event could not be applied, each with that event."""
    if name:
        _find_projection(name)
    with database_connection(settings.resolve(data).database_url) as connection:
        rows = [
            (build.projection.name, one.document, str(one.position), f"{one.parked_at:%Y-%m-%d %H:%M}", one.reason)
            for build, one in _fetch_parked(connection, name)
        ]
    if rows:
        report.print_table(("projection", "document", "position", "since", "because"), rows)
    else:
        print_line("No documents are parked.")


@command.command
@options.data_option
@click.argument("name")
@click.argument("document", required=False)
def retry(data: Path, name: str, document: str | None) -> None:
    """Fold the parked documents of NAME, or one DOCUMENT, again; exits with 1 if any stays parked."""
    with database_connection(settings.resolve(data).database_url) as connection:
        parked_documents = _select_parked(connection, name, document)
        results = [_retry_document(connection, build, parked_document) for build, parked_document in parked_documents]
        if not parked_documents:
            print_line(f"No documents of {name} are parked.")
    raise SystemExit(0 if all(results) else 1)


@command.command
@options.data_option
@click.argument("name")
@click.argument("document")
@click.option("--reason", required=True, help="The reason. It stays in the log for ever.")
@click.option("--as", "email", required=True, metavar="EMAIL", help="The administrator who decides this.")
def skip(data: Path, name: str, document: str, reason: str, email: str) -> None:
    """Skip the event that parked DOCUMENT of NAME, now and in every rebuild.

    The decision is an event in the log. Exits with 1 if a later event parks the document again.
    """
    app_settings = settings.resolve(data, needs_address_key=True)
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
        user_id = await instance.addresses.find_user(email)
        if user_id is None:
            raise OperatorError(f"No user is registered as {email}: check --as.")
        try:
            await instance.command_handler.handle(
                CommandRequest([Asked(INSTANCE_STREAM_ID, skip_event)], Actor(user_id), new_id())
            )
        except Forbidden as error:
            raise OperatorError(
                f"{email} is not an administrator of this installation: only administrators may skip events."
            ) from error


def _retry_document(connection: SyncConnection, build: Build, parked_document: ParkedDocument) -> bool:
    still_parked = refold.retry_parked(connection, build, parked_document)
    result = f"stays parked at {still_parked.position}: {still_parked.reason}" if still_parked else "is folded again"
    print_line(f"{build.projection.name} {parked_document.document} {result}.")
    return still_parked is None


def _select_parked(connection: SyncConnection, name: str, document: str | None) -> list[tuple[Build, ParkedDocument]]:
    """The parked documents of a projection, or one of them."""
    _find_projection(name)
    matching = [pair for pair in _fetch_parked(connection, name) if document in {None, pair[1].document}]
    if document and not matching:
        raise OperatorError(f"{name} has no parked document {document}: `taskledger projections parked` shows all.")
    return matching


def _fetch_parked(connection: SyncConnection, name: str | None) -> Iterable[tuple[Build, ParkedDocument]]:
    for build in builds.serving_builds(connection).values():
        if name in {None, build.projection.name}:
            yield from ((build, one) for one in parked.all_parked(connection, build))


def _find_projection(name: str) -> Projection[Any]:
    if name not in all_projections():
        raise OperatorError(f"There is no projection {name!r}. Choose one of {', '.join(all_projections())}.")
    return all_projections()[name]
