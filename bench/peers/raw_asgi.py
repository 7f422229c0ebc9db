"""The raw ASGI peer: a bare callable that only decodes and encodes the same bytes."""

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api.http.command_results import WriteResult
from bench.harness.peer_config import PeerConfig
from commands.task import CreateTask
from infra.ids import new_id

_JSON = (b"content-type", b"application/json")


def app(config: PeerConfig) -> ASGIApp:
    """An application that serves creates, and the configured paths and bodies."""
    pages = {path: page.encode() for path, page in config.pages.items()}
    decode, encode = msgspec.json.Decoder(CreateTask).decode, msgspec.json.Encoder().encode

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            return
        status, body = 200, pages.get(scope["path"])
        if body is None:
            decode(await _read_body(receive))
            status, body = 201, encode(WriteResult(new_id(), 1, 123_456, "P123-123"))
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [_JSON, length]})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return answer


async def _read_body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionError("the client closed the connection")
        body += message["body"]
        more = message["more_body"]
    return body
