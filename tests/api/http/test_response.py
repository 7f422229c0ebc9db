"""The response sends its status, its headers unchanged, and its body, if it has one."""

from typing import Any

import pytest
from litestar import Request
from litestar.types import Message

from api.http.response import Response

HEADERS = {"ETag": '"3"'}
NO_STORE = (b"cache-control", b"no-store")
RAW_HEADERS = [NO_STORE, (b"etag", b'"3"')]


async def asgi_messages(response: Response[Any], status: int | None = None) -> list[Any]:
    """The ASGI messages of a response from a handler with this status."""
    messages: list[Message] = []

    async def receive() -> Any:
        raise AssertionError("nothing is asked of the client")

    async def send(message: Message) -> None:
        messages.append(message)

    scope: Any = {"type": "http"}
    request = Request[Any, Any, Any](scope)
    await response.to_asgi_response(None, request, status_code=status, media_type="text/plain")(scope, receive, send)
    return messages


async def test_a_response_is_sent_as_headers_and_json() -> None:
    start, body = await asgi_messages(Response({"title": "Öl"}, headers=HEADERS), status=201)
    expected = [*RAW_HEADERS, (b"content-type", b"application/json"), (b"content-length", b"15")]
    assert (start["status"], start["headers"]) == (201, expected)
    assert (body["body"], body["more_body"]) == ('{"title":"Öl"}'.encode(), False)


async def test_bytes_are_sent_as_they_are_under_their_own_type_and_status() -> None:
    start, body = await asgi_messages(
        Response(b"{}", status_code=404, media_type="application/problem+json"), status=201
    )
    assert start["status"] == 404
    assert start["headers"] == [NO_STORE, (b"content-type", b"application/problem+json"), (b"content-length", b"2")]
    assert body["body"] == b"{}"


@pytest.mark.parametrize("status", [204, 304])
async def test_an_empty_response_has_no_content_headers(status: int) -> None:
    start, body = await asgi_messages(Response(None, status_code=status, headers=HEADERS))
    assert (start["headers"], body["body"]) == (RAW_HEADERS, b"")


async def test_a_response_without_content_has_no_type() -> None:
    start, body = await asgi_messages(Response(None, status_code=202, headers=HEADERS))
    assert (start["headers"], body["body"]) == ([*RAW_HEADERS, (b"content-length", b"0")], b"")


async def test_shared_headers_are_not_mutated() -> None:
    response = Response(b"{}", headers=HEADERS)
    response.headers["Retry-After"] = "1"
    assert "Retry-After" not in HEADERS


async def test_a_response_is_not_stored_unless_it_says_so() -> None:
    assert NO_STORE in (await asgi_messages(Response({})))[0]["headers"]
    lasting = (await asgi_messages(Response({}, headers={"Cache-Control": "max-age=60"})))[0]["headers"]
    assert [value for name, value in lasting if name == b"cache-control"] == [b"max-age=60"]
