"""Compression: bodies over 1 kB are sent gzipped to clients that accept it; each is compressed once and kept."""

import asyncio
import gzip
import re
from collections import OrderedDict
from collections.abc import Awaitable, Iterable
from functools import lru_cache
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from api.http.conditional_response import GZIP_TAG_SUFFIX

MIN_BODY_BYTES: Final = 1_024
MAX_INLINE_BYTES: Final = 64 * 1_024
"""A longer body is compressed in a thread: the event loop would stand still for a millisecond and more."""
MAX_KEPT_BYTES: Final = 16 * 1_024 * 1_024
MAX_KEPT_BODY_BYTES: Final = MAX_KEPT_BYTES // 8
GZIP_LEVEL: Final = 4
MAX_ACCEPT_BYTES: Final = 200
_COMPRESSIBLE_TYPES: Final = (b"application/json", b"application/schema+json", b"text/")
_VERSIONED_TAG: Final = re.compile(rb'"[0-9]{1,15}(-|"$)')
"""The tag of a document with a version, which If-Match names: it has one form, so such a document is not compressed."""
_OK: Final = 200
_NOT_MODIFIED: Final = 304
_Headers = list[tuple[bytes, bytes]]


class CompressedBodies:
    """Bodies and their compressed forms; the least recently used are dropped first."""

    def __init__(self) -> None:
        self._kept = OrderedDict[bytes, bytes]()
        self._kept_bytes = 0
        self._running = dict[bytes, asyncio.Task[bytes]]()

    async def get(self, body: bytes) -> bytes:
        """The compressed form, which requests at the same time share."""
        if compressed := self._kept.get(body):
            self._kept.move_to_end(body)
            return compressed
        if len(body) <= MAX_INLINE_BYTES:
            compressed = _compress(body)
            self._keep(body, compressed)
            return compressed
        task = self._running.get(body)
        if task is None:
            task = self._running[body] = asyncio.create_task(self._compress_in_thread(body))
        return await asyncio.shield(task)

    async def _compress_in_thread(self, body: bytes) -> bytes:
        try:
            compressed = await asyncio.to_thread(_compress, body)
            self._keep(body, compressed)
            return compressed
        finally:
            del self._running[body]

    def _keep(self, body: bytes, compressed: bytes) -> None:
        if len(body) > MAX_KEPT_BODY_BYTES or body in self._kept:
            return
        self._kept[body] = compressed
        self._kept_bytes += len(body) + len(compressed)
        while self._kept_bytes > MAX_KEPT_BYTES:
            dropped, its_compressed = self._kept.popitem(last=False)
            self._kept_bytes -= len(dropped) + len(its_compressed)


def with_compression(app: ASGIApp) -> ASGIApp:
    """Wrap the application, so that a client that accepts gzip gets long bodies compressed."""
    bodies = CompressedBodies()

    def middleware(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != ScopeType.HTTP or not _is_question(scope):
            return app(scope, receive, send)
        for name, value in scope["headers"]:
            if name == b"accept-encoding" and accepts_gzip(value):
                return app(scope, receive, _CompressedSend(send, bodies, scope["headers"]))
        return app(scope, receive, _varying(send))

    return middleware


def _is_question(scope: HTTPScope) -> bool:
    """Whether it asks for a page or a list: the answer to a command may have a secret, such as a new token.

    The length of a compressed answer says something of its content to those who see the length and choose a part.
    """
    return scope["method"] == "GET" or scope["path"].endswith("/search")


def _varying(send: Send) -> Send:
    """Sends a response as it is, and says that a client that accepts gzip gets another."""

    def send_with_vary(message: Any) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            message["headers"] = with_vary(message["headers"], message["status"])
        return send(message)

    return send_with_vary


def with_vary(headers: _Headers, status: int) -> _Headers:
    """The headers, with `Vary` where the response may be compressed for another client, however long it is."""
    kind, tag, vary = b"", b"", b""
    for name, value in headers:
        if name == b"content-type":
            kind = value
        elif name == b"etag":
            tag = value
        elif name == b"vary":
            vary += b", " + value if vary else value
    is_varying = kind.startswith(_COMPRESSIBLE_TYPES) if status == _OK else status == _NOT_MODIFIED and tag
    if not is_varying or b"accept-encoding" in vary or _VERSIONED_TAG.match(tag):
        return headers
    value = vary + b", accept-encoding" if vary else b"accept-encoding"
    return [*(one for one in headers if one[0] != b"vary"), (b"vary", value)]


class _CompressedSend:
    """Sends one response: the head of a compressible one waits for its body, as its length depends on that."""

    __slots__ = ("_bodies", "_head", "_request_headers", "_send")

    def __init__(self, send: Send, bodies: CompressedBodies, request_headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._send, self._bodies, self._request_headers = send, bodies, request_headers
        self._head: Any = None

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = with_vary(message["headers"], message["status"])
            if message["status"] == _NOT_MODIFIED:
                message["headers"] = self._with_known_tag(list(message["headers"]))
            elif message["status"] == _OK and _is_compressible(message["headers"]):
                self._head = message
                return
        elif self._head is not None and message["type"] == "http.response.body":
            head, self._head = self._head, None
            if not message.get("more_body"):  # no length was promised for a stream
                body = await self._bodies.get(message["body"])
                head["headers"] = _compressed_headers(head["headers"], len(body))
                message["body"] = body
            await self._send(head)
        await self._send(message)

    def _with_known_tag(self, headers: _Headers) -> _Headers:
        """The tag of the copy that the client has, if that is a compressed one."""
        known = b",".join(value for name, value in self._request_headers if name == b"if-none-match")
        return [
            (name, tagged if name == b"etag" and (tagged := _compressed_tag(value)) in known else value)
            for name, value in headers
        ]


@lru_cache(1_000)
def accepts_gzip(accept_encoding: bytes) -> bool:
    """Whether a client accepts gzip, and does not prefer the body as it is (RFC 9110, section 12.5.3)."""
    if len(accept_encoding) > MAX_ACCEPT_BYTES:
        return False
    weights = dict(_weighted(part) for part in accept_encoding.decode("latin-1").lower().split(","))
    weight = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return weight > 0 and weight >= weights.get("identity", 0.0)


def _weighted(part: str) -> tuple[str, float]:
    coding, _, parameter = part.partition(";")
    name, _, value = parameter.strip().partition("=")
    try:
        return coding.strip(), float(value) if name == "q" else 1.0
    except ValueError:
        return coding.strip(), 0.0


def _is_compressible(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    fields = dict(headers)
    return (
        int(fields.get(b"content-length", 0)) >= MIN_BODY_BYTES
        and fields.get(b"content-type", b"").startswith(_COMPRESSIBLE_TYPES)
        and b"content-encoding" not in fields
        and not _VERSIONED_TAG.match(fields.get(b"etag", b""))
    )


def _compressed_headers(headers: Iterable[tuple[bytes, bytes]], length: int) -> _Headers:
    """The headers of the compressed body, which is another representation with a tag of its own."""
    kept = [(name, value) for name, value in headers if name not in {b"content-length", b"etag"}]
    tags = [(name, _compressed_tag(value)) for name, value in headers if name == b"etag"]
    return [
        *kept,
        *tags,
        (b"content-length", str(length).encode()),
        (b"content-encoding", b"gzip"),
    ]


def _compressed_tag(tag: bytes) -> bytes:
    return tag[:-1] + GZIP_TAG_SUFFIX + b'"'


def _compress(body: bytes) -> bytes:
    return gzip.compress(body, GZIP_LEVEL, mtime=0)
