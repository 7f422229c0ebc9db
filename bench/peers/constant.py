"""The constant peer: our server and authentication, with the bytes of our answers from memory."""

from typing import Any

from litestar import Litestar, Request

from api.function_endpoint import get
from api.http.authentication import Authentication, TokenVerifier
from api.http.resource import create_application
from api.http.response import Response
from bench.harness.peer_config import PeerConfig


def app(config: PeerConfig) -> Litestar:
    """An application that serves the configured paths and bodies."""
    pages = {path: page.encode() for path, page in config.pages.items()}

    async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
        return Response(pages[request.scope["path"]])

    authentication = Authentication(TokenVerifier([config.jwt_key]))
    return create_application([get(path)(page) for path in pages], authentication, None)
