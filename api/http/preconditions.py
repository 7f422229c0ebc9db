"""Conditions: what a request says of versions and positions in its headers, and what the answer says back."""

import re
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request
from litestar.datastructures import ResponseHeader

from api.http import headers
from api.http.problems import MalformedRequest
from api.http.response import Response
from commands.command import Command
from commands.handling.idempotency import IdempotencyKey
from projections.projection import Answer

POSITION_HEADER, STALE_HEADER = "Taskledger-Position", "Taskledger-Stale"
LOCATION_HEADER = ResponseHeader(name="Location", documentation_only=True)
"""For an endpoint that says by itself where something is."""
NO_STORE = {"Cache-Control": "no-store"}
MAX_IDEMPOTENCY_KEY_CHARS = 255
DEFAULT_WAIT_S, MAX_WAIT_S = 2.0, 10.0
_IF_MATCH = re.compile(r'("?)([0-9]{1,15})(-[0-9a-f]+)?\1')
_ENTITY_TAG = re.compile(r'"[^"]*"')
_PREFER_WAIT = re.compile(r"(?:^|[,;\s])wait=([0-9]{1,6})(?:$|[,;\s])")


def with_expected_version(request: Request[Any, Any, Any], command: Command[Any]) -> tuple[Command[Any], bool]:
    """The command with the version it was made on, and whether `If-Match` named it.

    What stands before the dash of an entity tag is the version. Raises Malformed where header and body differ.
    """
    lines = headers.lines(request, b"if-match")
    if not lines:
        return command, False
    match = _IF_MATCH.fullmatch(", ".join(lines).strip())
    if match is None:
        raise MalformedRequest("invalid_if_match", 'If-Match takes one version, as in If-Match: "3".')
    version = int(match[2])
    if command.expected_version not in {None, version}:
        raise MalformedRequest("versions_differ", "If-Match and expected_version name different versions.")
    return msgspec.structs.replace(command, expected_version=version), True


async def idempotency_key(request: Request[Any, Any, Any]) -> IdempotencyKey | None:
    """The client's key for this request, quoted or bare, with a digest of method, address, version and body.

    After draft-ietf-httpapi-idempotency-key-header. Raises Malformed where it is empty or too long, or there are two.
    """
    lines = headers.lines(request, b"idempotency-key")
    if not lines:
        return None
    text = lines[0]
    text = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if len(lines) > 1 or not 0 < len(text) <= MAX_IDEMPOTENCY_KEY_CHARS or not text.isprintable():
        raise MalformedRequest(
            "invalid_idempotency_key",
            f"One Idempotency-Key, of 1 to {MAX_IDEMPOTENCY_KEY_CHARS} printable characters.",
        )
    fingerprint_parts = (request.method, request.scope["path"], headers.first(request, b"if-match"))
    return IdempotencyKey(text, sha256("\n".join(fingerprint_parts).encode() + b"\n" + await request.body()).digest())


WHOLE_BATCH_SUFFIX = "\n"
"""Behind a key: the whole batch that is sent under it. No client can send such a one."""


def batch_item_key(key: IdempotencyKey, index: int) -> IdempotencyKey:
    """The key of one of the commands that are sent under it."""
    return IdempotencyKey(f"{key.text}{WHOLE_BATCH_SUFFIX}{index}", key.fingerprint)


def has_if_match(request: Request[Any, Any, Any]) -> bool:
    """Whether `If-Match` names a version."""
    return bool(headers.lines(request, b"if-match"))


def preferred_wait_s(request: Request[Any, Any, Any]) -> float:
    """How many seconds to wait for a position: `Prefer: wait=<s>` (RFC 7240), at most 10."""
    match = _PREFER_WAIT.search(headers.first(request, b"prefer"))
    return min(float(match[1]), MAX_WAIT_S) if match else DEFAULT_WAIT_S


def command_headers(position: int, *, replayed: bool) -> dict[str, str]:
    """What the answer to commands says back: a position that includes them, and whether they happened before."""
    fields = {POSITION_HEADER: str(position), **NO_STORE}
    return {**fields, "Idempotent-Replayed": "true"} if replayed else fields


def conditional_response(
    request: Request[Any, Any, Any], answer: Answer, position: int, age: float | None = None
) -> Response[Any]:
    """The answer as it was encoded, or 304 where the client has it already; an old one says so, and how old it is."""
    fields = {"ETag": answer.etag, POSITION_HEADER: str(position), **NO_STORE}
    if age is not None:
        fields |= {"Age": str(int(age)), STALE_HEADER: "true"}
    if request.method != "GET":  # whose address does not say what was asked
        return Response(answer.body, headers=fields)
    if etag_matches(",".join(headers.lines(request, b"if-none-match")), answer.etag):
        return Response(None, status_code=304, headers=fields)
    if answer.next_cursor:
        fields["Link"] = f'<{request.scope["path"]}?{_next_page_query(request, answer.next_cursor)}>; rel="next"'
    return Response(answer.body, headers=fields)


def etag_matches(if_none_match: str, etag: str) -> bool:
    """Whether `If-None-Match` names the tag, weak or strong, or any at all (RFC 9110, section 13.1.2)."""
    return if_none_match.strip() == "*" or etag in _ENTITY_TAG.findall(if_none_match)


def _next_page_query(request: Request[Any, Any, Any], cursor: str) -> str:
    other_params = {name: value for name, value in request.query_params.items() if name != "cursor"}
    return urlencode({"cursor": cursor, **other_params})
