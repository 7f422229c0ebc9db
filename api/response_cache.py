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

from api.http import basis
from api.http.authentication import Credential
from api.http.basis import Basis
from api.http.preconditions import POSITION, has
from infra.identity.permissions import Right, Rights
from infra.identity.revocations import Revoked
from infra.reading.cached_answer import Snapshot
from infra.reading.reader import Reading
from projections.projection import Answer

MOST, LONGEST = 5_000, 4_096
"""Ways that are remembered, and the bytes of an address and a token that one may have."""
_POSITION = POSITION.lower().encode()
_OF_BODY = {b"content-type", b"content-length", b"link"}
_CHANGING = {_POSITION, b"content-type", b"content-length"}
_GOOD = (200, 304)
_Headers = list[tuple[bytes, bytes]]
_Key = tuple[bytes, bytes, bytes]


class _Way(Struct, frozen=True):
    """A request that was answered: which answers, under these tags, and rights must still be so, and which is shown."""

    headers: _Headers
    shown: int
    found: tuple[tuple[str, str], ...]
    rights: tuple[Right, ...]
    credential: Credential


class Shortcuts:
    """Remembers the ways of this process; the one that was not gone the longest is forgotten first."""

    def __init__(self, reading: Reading, rights: Rights, revoked: Revoked) -> None:
        self._reading = reading
        self._rights = rights
        self._revoked = revoked
        self._ways = OrderedDict[_Key, _Way]()

    def before(self, app: ASGIApp) -> ASGIApp:
        """The application with shortcuts before it."""

        async def door(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP or scope["method"] != "GET":
                await app(scope, receive, send)
                return
            key, named = _asked(scope)
            way = self._ways.get(key)
            found = self._still(way) if way else None
            if way and found:
                self._ways.move_to_end(key)
                await self._answer(way, found, named, send)
            else:
                self._ways.pop(key, None)
                await self._go(app, scope, receive, send, key)

        return door

    def _still(self, way: _Way) -> list[Snapshot] | None:
        """What would be answered now, and all else that was read for it, if what it rests on holds."""
        credential = way.credential
        is_open = (
            (credential.expires is None or time.time() < credential.expires)
            and credential.session not in self._revoked
            and credential.token not in self._revoked
            and self._rights.hold(way.rights)
        )
        return self._reading.still(way.found) if is_open else None

    async def _answer(self, way: _Way, found: list[Snapshot], named: str, send: Send) -> None:
        shown = found[way.shown]
        answer = cast("Answer", shown.answer)
        self._reading.counted.hit("process", time.time() - shown.at)
        position = (_POSITION, str(min(map(self._reading.position, found))).encode())
        status, headers, body = 200, [position, *way.headers], answer.body
        if named and has(named, answer.etag):
            status, headers, body = 304, [one for one in headers if one[0] not in _OF_BODY], b""
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _go(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, key: _Key) -> None:
        """The long way, noticing how it was answered."""
        sent: list[tuple[int, _Headers]] = []

        async def noticed(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent.append((message["status"], list(message["headers"])))
            await send(message)

        await app(scope, receive, noticed)
        is_short = sum(map(len, key)) <= LONGEST
        way = _way(scope, *sent[0]) if sent and is_short else None
        if way:
            self._ways[key] = way
            if len(self._ways) > MOST:
                self._ways.popitem(last=False)


def _asked(scope: Any) -> tuple[_Key, str]:
    """What a request asks, as whom; and the entity tags that it names."""
    authorization, named = b"", []
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization += value + b"\n"  # of two, nobody knows which one counts
        elif name == b"if-none-match":
            named.append(value.decode("latin-1"))
    path = scope.get("raw_path") or scope["path"].encode()
    return (authorization, path, scope["query_string"]), ",".join(named)


def _way(scope: Any, status: int, sent: _Headers) -> _Way | None:
    """None where the answer is not what was found, or rests on more than that."""
    made: Basis | None = basis.of(scope)
    if made is None or made.shown is None or made.shown.answer is None or not made.is_whole or status not in _GOOD:
        return None
    if status == _GOOD[1] and made.shown.answer.next_cursor:
        return None  # it did not say where the next page is
    length = str(len(made.shown.answer.body)).encode()
    headers = [(name.lower(), value) for name, value in sent if name.lower() not in _CHANGING]
    headers += [(b"content-type", b"application/json"), (b"content-length", length)]
    found = tuple((one.key, one.answer.etag if one.answer else "") for one in made.found)
    return _Way(headers, made.found.index(made.shown), found, tuple(made.rights), scope["auth"])
