"""Administrators over HTTP: who administers the installation."""

from api.http.command_results import WriteResult
from api.http.endpoint import put
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from commands.instance import AppointAdministrator
from domain.instance import INSTANCE_STREAM_ID


@put("/instance/administrator")
async def appoint_administrator(
    data: AppointAdministrator, request: AuthedRequest, ledger: Ledger
) -> Response[WriteResult]:
    """Hand the administration of this installation over to another user, who then has it alone."""
    return await ledger.write(request, INSTANCE_STREAM_ID, data)
