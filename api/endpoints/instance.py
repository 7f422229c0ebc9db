"""Administrators over HTTP: who administers the installation."""

from api.command_endpoint import command
from commands.instance import AppointAdministrator
from domain.instance import INSTANCE_STREAM_ID

appoint_administrator = command(
    "PUT",
    "/instance/administrator",
    AppointAdministrator,
    "Hand the administration of this installation over to another user, who then has it alone.",
    target=INSTANCE_STREAM_ID,
)
