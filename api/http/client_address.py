"""The network address of a client, as the socket or a trusted proxy reports it."""

from typing import Any

from litestar import Request

from api.http import headers
from infra.identity.trusted_proxies import TrustedProxyList


def client_address(request: Request[Any, Any, Any], proxies: TrustedProxyList) -> str:
    """The peer of the socket, or what a trusted proxy forwards; any client can write the header itself."""
    peer = request.client.host if request.client else ""
    return proxies.client_address(peer, headers.lines(request, b"x-forwarded-for"))
