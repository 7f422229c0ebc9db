"""The Idempotency-Key header of a request, and the keys derived from it for the items of a batch."""

from hashlib import sha256
from typing import Any

from litestar import Request

from api.http import headers
from api.http.problems import MalformedRequest
from commands.handling.idempotency import IdempotencyKey

MAX_IDEMPOTENCY_KEY_CHARS = 255


async def idempotency_key(request: Request[Any, Any, Any]) -> IdempotencyKey | None:
    """The client's key for this request, quoted or bare, with a digest of method, address, version and body.

    After draft-ietf-httpapi-idempotency-key-header. Raises MalformedRequest if it is empty or too long, or sent twice.
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
"""Appended to a key, it names the whole batch. No client can send such a key."""


def batch_item_key(key: IdempotencyKey, index: int) -> IdempotencyKey:
    """The key of one command of the batch that was sent with it."""
    return IdempotencyKey(f"{key.text}{WHOLE_BATCH_SUFFIX}{index}", key.fingerprint)
