"""The address of a client, as the socket or a trusted proxy reports it."""

from typing import Any

from litestar import Request

from api.http import headers
from infra.identity import client_network as network
from infra.identity.trusted_proxies import TrustedProxyList


def client_network(request: Request[Any, Any, Any], proxies: TrustedProxyList) -> str:
    """The network of the socket's peer, or of the client that a trusted proxy forwards for.

    Any client can write the header itself.
    """
    peer = request.client.host if request.client else ""
    return network.client_network(proxies.client_address(peer, headers.lines(request, b"x-forwarded-for")))
