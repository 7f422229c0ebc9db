"""Conditions: what a request says of versions and positions in its headers, and what the answer says back."""

import re
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request
from litestar.datastructures import ResponseHeader

from api.http import headers
from api.http.problems import Malformed
from api.http.response import Response
from commands.command import Command
from commands.handling.append import Key
from projections.projection import Answer

POSITION, STALE = "Taskledger-Position", "Taskledger-Stale"
LOCATION = ResponseHeader(name="Location", documentation_only=True)
"""For an endpoint that says by itself where something is."""
NO_STORE = {"Cache-Control": "no-store"}
LONGEST_KEY = 255
PATIENCE_S, MOST_PATIENCE_S = 2.0, 10.0
_IF_MATCH = re.compile(r'("?)([0-9]{1,15})(-[0-9a-f]+)?\1')
_TAG = re.compile(r'"[^"]*"')
_WAIT = re.compile(r"(?:^|[,;\s])wait=([0-9]{1,6})(?:$|[,;\s])")


def expected(request: Request[Any, Any, Any], command: Command[Any]) -> tuple[Command[Any], bool]:
    """The command with the version it was made on, and whether `If-Match` named it.

    What stands before the dash of an entity tag is the version. Raises Malformed where header and body differ.
    """
    lines = headers.lines(request, b"if-match")
    if not lines:
        return command, False
    match = _IF_MATCH.fullmatch(", ".join(lines).strip())
    if match is None:
        raise Malformed("invalid_if_match", 'If-Match takes one version, as in If-Match: "3".')
    version = int(match[2])
    if command.expected_version not in {None, version}:
        raise Malformed("versions_differ", "If-Match and expected_version name different versions.")
    return msgspec.structs.replace(command, expected_version=version), True


async def idempotency(request: Request[Any, Any, Any]) -> Key | None:
    """The client's key for this request, quoted or bare, with a digest of method, address, version and body.

    After draft-ietf-httpapi-idempotency-key-header. Raises Malformed where it is empty or too long, or there are two.
    """
    lines = headers.lines(request, b"idempotency-key")
    if not lines:
        return None
    text = lines[0]
    text = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if len(lines) > 1 or not 0 < len(text) <= LONGEST_KEY or not text.isprintable():
        raise Malformed("invalid_idempotency_key", f"One Idempotency-Key, of 1 to {LONGEST_KEY} printable characters.")
    said = (request.method, request.scope["path"], headers.first(request, b"if-match"))
    return Key(text, sha256("\n".join(said).encode() + b"\n" + await request.body()).digest())


WHOLE = "\n"
"""Behind a key: the whole batch that is sent under it. No client can send such a one."""


def part_of(key: Key, place: int) -> Key:
    """The key of one of the commands that are sent under it."""
    return Key(f"{key.text}{WHOLE}{place}", key.fingerprint)


def has_version(request: Request[Any, Any, Any]) -> bool:
    """Whether `If-Match` names a version."""
    return bool(headers.lines(request, b"if-match"))


def patience(request: Request[Any, Any, Any]) -> float:
    """How many seconds to wait for a position: `Prefer: wait=<s>` (RFC 7240), at most 10."""
    match = _WAIT.search(headers.first(request, b"prefer"))
    return min(float(match[1]), MOST_PATIENCE_S) if match else PATIENCE_S


def carried(position: int, *, replayed: bool) -> dict[str, str]:
    """What the answer to commands says back: a position that includes them, and whether they happened before."""
    fields = {POSITION: str(position), **NO_STORE}
    return {**fields, "Idempotent-Replayed": "true"} if replayed else fields


def answered(request: Request[Any, Any, Any], answer: Answer, position: int, age: float | None = None) -> Response[Any]:
    """The answer as it was encoded, or 304 where the client has it already; an old one says so, and how old it is."""
    fields = {"ETag": answer.etag, POSITION: str(position), **NO_STORE}
    if age is not None:
        fields |= {"Age": str(int(age)), STALE: "true"}
    if request.method != "GET":  # whose address does not say what was asked
        return Response(answer.body, headers=fields)
    if has(",".join(headers.lines(request, b"if-none-match")), answer.etag):
        return Response(None, status_code=304, headers=fields)
    if answer.next_cursor:
        fields["Link"] = f'<{request.scope["path"]}?{_with_cursor(request, answer.next_cursor)}>; rel="next"'
    return Response(answer.body, headers=fields)


def has(named: str, etag: str) -> bool:
    """Whether `If-None-Match` names the tag, weak or strong, or any at all (RFC 9110, section 13.1.2)."""
    return named.strip() == "*" or etag in _TAG.findall(named)


def _with_cursor(request: Request[Any, Any, Any], cursor: str) -> str:
    kept = {name: value for name, value in request.query_params.items() if name != "cursor"}
    return urlencode({"cursor": cursor, **kept})
