"""The constant peer: our server, our authentication and the bytes of our answers, from memory."""

from typing import Any

from litestar import Litestar, Request, get

from api import auth
from api.response import Response
from bench.peers.given import Given


def app(given: Given) -> Litestar:
    """Every path that it was given bytes for."""
    pages = {path: page.encode() for path, page in given.pages.items()}

    @get(list(pages))
    async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
        return Response(pages[request.scope["path"]])

    authentication = auth.authentication(given.jwt_key)
    return Litestar([page], on_app_init=[authentication.on_app_init], openapi_config=None, logging_config=None)
