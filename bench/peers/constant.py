"""The constant peer: our server and authentication, with the bytes of our answers from memory."""

from typing import Any

from litestar import Litestar, Request, get

from api.http import authentication
from api.http.response import Response
from bench.harness.peer_config import PeerConfig


def app(config: PeerConfig) -> Litestar:
    """An application that serves the configured paths and bodies."""
    pages = {path: page.encode() for path, page in config.pages.items()}

    @get(list(pages))
    async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
        return Response(pages[request.scope["path"]])

    required = authentication.create_authentication(config.jwt_key)
    return Litestar([page], on_app_init=[required.on_app_init], openapi_config=None, logging_config=None)
