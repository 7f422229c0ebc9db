"""The shortcut: who asks again for what still holds is answered at the door, before any routing.

What an answer rests on is written down while it is made: what was read, by which rights, with which token. As long as
all of that holds, the same request has the same answer; where any of it does not, it goes the long way.
"""

import time
from collections import OrderedDict
from typing import Any, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct

from api.http.authentication import Credential
from api.http.conditional_response import POSITION_HEADER, etag_matches
from api.http.dependencies import Dependencies, recorded_dependencies
from infra.identity.permissions import Permission, Permissions
from infra.identity.revocations import RevokedIds
from infra.reading.cached_answer import CachedAnswer
from infra.reading.reader import Reader
from projections.projection import Answer

MAX_CACHED_RESPONSES, MAX_KEY_BYTES = 5_000, 4_096
"""Ways that are remembered, and the bytes of an address and a token that one may have."""
_POSITION_HEADER = POSITION_HEADER.lower().encode()
_BODY_HEADERS = {b"content-type", b"content-length", b"link"}
_VOLATILE_HEADERS = {_POSITION_HEADER, b"content-type", b"content-length"}
_CACHEABLE_STATUSES = (200, 304)
_Headers = list[tuple[bytes, bytes]]
_Key = tuple[bytes, bytes, bytes]


class _CachedResponse(Struct, frozen=True):
    """A request that was answered: which answers, under these tags, and rights must still be so, and which is shown."""

    headers: _Headers
    body_index: int
    etags: tuple[tuple[str, str], ...]
    permissions: tuple[Permission, ...]
    credential: Credential


class ResponseCache:
    """Remembers the ways of this process; the one that was not gone the longest is forgotten first."""

    def __init__(self, reader: Reader, permissions: Permissions, revoked_ids: RevokedIds) -> None:
        self._reader = reader
        self._permissions = permissions
        self._revoked_ids = revoked_ids
        self._responses = OrderedDict[_Key, _CachedResponse]()

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """The application with shortcuts before it."""

        async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP or scope["method"] != "GET":
                await app(scope, receive, send)
                return
            key, if_none_match = _cache_key(scope)
            cached = self._responses.get(key)
            answers = self._fresh_answers(cached) if cached else None
            if cached and answers:
                self._responses.move_to_end(key)
                await self._send_cached(cached, answers, if_none_match, send)
            else:
                self._responses.pop(key, None)
                await self._call_and_cache(app, scope, receive, send, key)

        return middleware

    def _fresh_answers(self, cached: _CachedResponse) -> list[CachedAnswer] | None:
        """What would be answered now, and all else that was read for it, if what it rests on holds."""
        credential = cached.credential
        is_permitted = (
            (credential.expires_at is None or time.time() < credential.expires_at)
            and credential.session not in self._revoked_ids
            and credential.token not in self._revoked_ids
            and self._permissions.are_held(cached.permissions)
        )
        return self._reader.unchanged(cached.etags) if is_permitted else None

    async def _send_cached(
        self, cached: _CachedResponse, answers: list[CachedAnswer], if_none_match: str, send: Send
    ) -> None:
        body_answer = answers[cached.body_index]
        answer = cast("Answer", body_answer.answer)
        self._reader.cache_stats.hit("process", time.time() - body_answer.at)
        position = (_POSITION_HEADER, str(min(map(self._reader.position_of, answers))).encode())
        status, headers, body = 200, [position, *cached.headers], answer.body
        if if_none_match and etag_matches(if_none_match, answer.etag):
            status, headers, body = 304, [one for one in headers if one[0] not in _BODY_HEADERS], b""
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _call_and_cache(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, key: _Key) -> None:
        """The long way, noticing how it was answered."""
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
    """What a request asks, as whom; and the entity tags that it names."""
    authorization, etags = b"", []
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization += value + b"\n"  # of two, nobody knows which one counts
        elif name == b"if-none-match":
            etags.append(value.decode("latin-1"))
    path = scope.get("raw_path") or scope["path"].encode()
    return (authorization, path, scope["query_string"]), ",".join(etags)


def _cacheable_response(scope: Any, status: int, sent_headers: _Headers) -> _CachedResponse | None:
    """None where the answer is not what was found, or rests on more than that."""
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
        return None  # it did not say where the next page is
    length = str(len(dependencies.body_read.answer.body)).encode()
    headers = [(name.lower(), value) for name, value in sent_headers if name.lower() not in _VOLATILE_HEADERS]
    headers += [(b"content-type", b"application/json"), (b"content-length", length)]
    etags = tuple((one.cache_key, one.answer.etag if one.answer else "") for one in dependencies.reads)
    return _CachedResponse(
        headers, dependencies.reads.index(dependencies.body_read), etags, tuple(dependencies.permissions), scope["auth"]
    )
