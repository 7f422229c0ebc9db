"""`taskledger projections skip`: leaves an event out of one document, as an administrator decides."""

import asyncio
from pathlib import Path
from typing import Any

import click

from cli import options
from cli.database import database_connection
from cli.open_instance import open_instance
from cli.projections.parked_documents import retry_document, select_parked
from commands.handling.command_on import CommandOn as Asked
from commands.handling.request import CommandRequest
from commands.projection import SkipEvent
from domain.errors import Forbidden
from domain.event import Actor
from domain.instance import INSTANCE_STREAM_ID
from infra import settings
from infra.errors import OperatorError
from infra.ids import new_id
from projections.engine.parked import ParkedDocument
from projections.projection import Projection


@click.command
@options.data_option
@click.argument("name")
@click.argument("document")
@click.option("--reason", required=True, help="The reason. It stays in the log for ever.")
@click.option("--as", "email", required=True, metavar="EMAIL", help="The administrator who decides this.")
def command(data: Path, name: str, document: str, reason: str, email: str) -> None:
    """Skip the event that parked DOCUMENT of NAME, now and in every rebuild.

    The decision is an event in the log. Exits with 1 if a later event parks the document again.
    """
    app_settings = settings.resolve(data, needs_address_key=True)
    with database_connection(app_settings.database_url) as connection:
        ((build, parked_document),) = select_parked(connection, name, document)
        asyncio.run(_append_skip(app_settings, build.projection, parked_document, reason, email))
        is_folded = retry_document(connection, build, parked_document)
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
