"""The echo peer: our server, authentication, validation and answer to a create, without a store."""

from typing import Any

from litestar.types import ASGIApp
from msgspec.structs import replace

from api.endpoints.task import create_task
from api.http.authentication import Authentication, TokenVerifier
from api.http.resource import create_application
from api.http.tracing import with_tracing
from api.ledger import BASE_PATH, Ledger
from bench.harness.peer_config import PeerConfig
from commands.handling.outcome import Committed
from commands.handling.request import CommandRequest
from commands.handling.results import CommandResult


def app(config: PeerConfig) -> ASGIApp:
    """An application with our own endpoint, on a ledger that has only a command handler."""
    parts: dict[str, Any] = dict.fromkeys(Ledger.__struct_fields__)
    ledger = Ledger(**parts | {"command_handler": _Echo()})
    endpoint = replace(create_task, name="create_task", path=BASE_PATH + create_task.path)
    return with_tracing(create_application([endpoint], Authentication(TokenVerifier([config.jwt_key])), ledger))


class _Echo:
    """A command handler that accepts every command and writes no event."""

    async def handle(self, request: CommandRequest) -> Committed:
        return Committed(tuple(CommandResult(command.target, 1, "P123-123") for command in request.commands), 123_456)
