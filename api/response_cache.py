"""The response cache: answers a repeated GET in a middleware before any routing, while all that it depends on holds.

The dependencies of a response are recorded while it is built: the reads, the permissions, the token. While all of them
hold, the same request has the same answer; if one does not, the request goes to the application.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable
from typing import Any, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct

from api.http.authentication import Credential
from api.http.compression import with_vary
from api.http.conditional_response import POSITION_HEADER, etag_matches
from api.http.dependencies import Dependencies, recorded_dependencies
from api.http.rate_limiting import HeaderFields, RequestLimiter, counted_class
from infra.identity.permissions import Permission, Permissions
from infra.identity.revocations import RevokedIds
from infra.rate_limits.route_class import LeasedClass
from infra.reading.cached_answer import CachedAnswer
from infra.reading.reader import Reader
from projections.question import Answer

MAX_CACHED_RESPONSES, MAX_KEY_BYTES = 5_000, 4_096
"""Responses in the cache, and the bytes of address and token that a key may have."""
_POSITION_HEADER = POSITION_HEADER.lower().encode()
_BODY_HEADERS = {b"content-type", b"content-length", b"link"}
_VOLATILE_HEADERS = {_POSITION_HEADER, b"content-type", b"content-length", b"ratelimit", b"ratelimit-policy"}
_CACHEABLE_STATUSES = (200, 304)
_Headers = list[tuple[bytes, bytes]]
_Key = tuple[bytes, bytes, bytes]


class _CachedResponse(Struct, frozen=True):
    """A response: the answers with their tags, and the permissions, that must still hold, and which is its body."""

    headers: _Headers
    body_index: int
    etags: tuple[tuple[str, str], ...]
    permissions: tuple[Permission, ...]
    credential: Credential
    route_class: LeasedClass


class ResponseCache:
    """The cached responses of this process; the least recently used is dropped first."""

    def __init__(
        self, reader: Reader, permissions: Permissions, revoked_ids: RevokedIds, limiter: RequestLimiter
    ) -> None:
        self._reader = reader
        self._permissions = permissions
        self._revoked_ids = revoked_ids
        self._limiter = limiter
        self._responses = OrderedDict[_Key, _CachedResponse]()

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """The application with the cache in front of it."""

        def middleware(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            if scope["type"] != ScopeType.HTTP or scope["method"] != "GET":
                return app(scope, receive, send)
            return answer(scope, receive, send)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            key, if_none_match = _cache_key(scope)
            cached = self._responses.get(key)
            answers = self._fresh_answers(cached) if cached else None
            if cached and answers:
                self._responses.move_to_end(key)
                limit_fields = self._limiter.count_known(scope, key[0], cached.route_class)
                if limit_fields is None:  # of a caller to be refused, or not known any more
                    await app(scope, receive, send)
                else:
                    await self._send_cached(cached, answers, if_none_match, limit_fields, send)
            else:
                self._responses.pop(key, None)
                await self._call_and_cache(app, scope, receive, send, key)

        return middleware

    def _fresh_answers(self, cached: _CachedResponse) -> list[CachedAnswer] | None:
        """The answers that the response depends on, if all of them and its permissions still hold."""
        credential = cached.credential
        is_permitted = (
            (credential.expires_at is None or time.time() < credential.expires_at)
            and credential.session not in self._revoked_ids
            and credential.token not in self._revoked_ids
            and self._permissions.are_held(cached.permissions)
        )
        return self._reader.unchanged(cached.etags) if is_permitted else None

    async def _send_cached(
        self,
        cached: _CachedResponse,
        answers: list[CachedAnswer],
        if_none_match: str,
        limit_fields: HeaderFields,
        send: Send,
    ) -> None:
        body_answer = answers[cached.body_index]
        answer = cast("Answer", body_answer.answer)
        self._reader.cache_stats.hit("process", time.time() - body_answer.at)
        position = (_POSITION_HEADER, str(min(map(self._reader.position_of, answers))).encode())
        status, headers, body = 200, [position, *limit_fields, *cached.headers], answer.body
        if if_none_match and etag_matches(if_none_match, answer.etag):
            status, headers, body = 304, [one for one in headers if one[0] not in _BODY_HEADERS], b""
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _call_and_cache(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, key: _Key) -> None:
        """Call the application, and cache its response if possible."""
        sent: list[tuple[int, _Headers]] = []

        async def record_start(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent.append((message["status"], list(message["headers"])))
            await send(message)

        await app(scope, receive, record_start)
        is_short = sum(map(len, key)) <= MAX_KEY_BYTES
        cached = _cacheable_response(scope, *sent[0]) if sent and is_short else None
        if cached:
            self._responses[key] = cached
            if len(self._responses) > MAX_CACHED_RESPONSES:
                self._responses.popitem(last=False)


def _cache_key(scope: Any) -> tuple[_Key, str]:
    """The address and token of a request, and the entity tags that it names."""
    authorization, etags = b"", []
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization += value + b"\n"  # as authorization_of() has it
        elif name == b"if-none-match":
            etags.append(value.decode("latin-1"))
    path = scope.get("raw_path") or scope["path"].encode()
    return (authorization, path, scope["query_string"]), ",".join(etags)


def _cacheable_response(scope: Any, status: int, sent_headers: _Headers) -> _CachedResponse | None:
    """None if the body is not one answer, or depends on more than was recorded."""
    dependencies: Dependencies | None = recorded_dependencies(scope)
    if (
        dependencies is None
        or dependencies.body_read is None
        or dependencies.body_read.answer is None
        or not dependencies.is_cacheable
        or status not in _CACHEABLE_STATUSES
    ):
        return None
    if status == _CACHEABLE_STATUSES[1] and dependencies.body_read.answer.next_cursor:
        return None  # a 304 has no Link to the next page
    length = str(len(dependencies.body_read.answer.body)).encode()
    headers = [(name.lower(), value) for name, value in sent_headers if name.lower() not in _VOLATILE_HEADERS]
    headers += [(b"content-type", b"application/json"), (b"content-length", length)]
    headers = with_vary(headers, _CACHEABLE_STATUSES[0])  # once, rather than each time that it is sent
    etags = tuple((one.cache_key, one.answer.etag if one.answer else "") for one in dependencies.reads)
    return _CachedResponse(
        headers,
        dependencies.reads.index(dependencies.body_read),
        etags,
        tuple(dependencies.permissions),
        scope["auth"],
        cast("LeasedClass", counted_class(scope)),
    )
