"""The Idempotency-Key header of a request, and the keys derived from it for the items of a batch."""

from typing import Any

import msgspec
from litestar import Request
from msgspec.structs import replace

from api.http import headers, preconditions
from api.http.body import decode_any
from api.http.malformed_request import MalformedRequest
from commands.handling.idempotency import IdempotencyKey, fingerprint

MAX_IDEMPOTENCY_KEY_CHARS = 255


async def idempotency_key(request: Request[Any, Any, Any], content: bytes | None = None) -> IdempotencyKey | None:
    """The client's key for this request, quoted or bare, with a fingerprint of method, address, version and members.

    The members are those that were sent, decoded and sorted, so that their order and spelling do not matter. `content`
    stands for them where the body is not JSON. After
    draft-ietf-httpapi-idempotency-key-header. Raises MalformedRequest if it is empty or too long, or sent twice.
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
    route = f"{request.method}\n{request.scope['path']}\n"
    named = f"{route}{preconditions.named_version(request)}\n".encode()
    if content is not None:
        return IdempotencyKey(text, fingerprint(named + content))
    body = await request.body()
    as_sent = f"{route}{headers.first(request, b'if-match')}\n".encode() + body
    return IdempotencyKey(text, fingerprint(named + sorted_members(decode_any(body))), content_as_sent=as_sent)


def sorted_members(value: Any) -> bytes:
    """Decoded JSON in one spelling."""
    return msgspec.json.encode(value, order="deterministic")


WHOLE_BATCH_SUFFIX = "\n"
"""Appended to a key, it names the whole batch. No client can send such a key."""


def batch_item_key(key: IdempotencyKey, index: int) -> IdempotencyKey:
    """The key of one command of the batch that was sent with it."""
    return replace(key, text=f"{key.text}{WHOLE_BATCH_SUFFIX}{index}")
