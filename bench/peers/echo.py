"""The echo peer: our server, authentication, validation and answer to a create, without a store."""

from typing import Any

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.types import ASGIApp

from api.endpoints.task import create_task
from api.http import authentication
from api.http.body import JSONBodyDTO, JSONRequest
from api.http.parameter_errors import reject_unknown_parameters
from api.http.problems import EXCEPTION_HANDLERS
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
    endpoints = Litestar(
        [Router(BASE_PATH, route_handlers=[create_task], dto=JSONBodyDTO)],
        dependencies={"ledger": Provide(lambda: ledger, sync_to_thread=False, use_cache=True)},
        on_app_init=[authentication.create_authentication(config.jwt_key).on_app_init],
        before_request=reject_unknown_parameters,
        exception_handlers=EXCEPTION_HANDLERS,
        request_class=JSONRequest,
        openapi_config=None,
        logging_config=None,
    )
    return with_tracing(endpoints)


class _Echo:
    """A command handler that accepts every command and writes no event."""

    async def handle(self, request: CommandRequest) -> Committed:
        return Committed(tuple(CommandResult(command.target, 1, "P123-123") for command in request.commands), 123_456)
