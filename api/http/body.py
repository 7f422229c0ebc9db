"""Request bodies: JSON decoded once, straight into its command, or refused with a pointer to the error."""

import re
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, InternalServerException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from api.http import headers
from api.http.deadline import current_deadline
from api.http.duplicate_keys import find_duplicate_key
from api.http.malformed_request import MalformedRequest
from api.http.whole_numbers import decode_json, with_whole_numbers
from commands.validation import describe, find_errors, quoted

T = TypeVar("T")
MAX_BODY_BYTES = 1024 * 1024
MAX_AUTH_BODY_BYTES = 16 * 1024
"""For endpoints that hash or look up secrets, most of them open to strangers."""
JSON_MEDIA_TYPES = {"application/json"}
PATCH_MEDIA_TYPES = JSON_MEDIA_TYPES | {"application/merge-patch+json"}
_CONTENT_LENGTH = re.compile("[0-9]{1,15}")
_HALF_OF_A_PAIR = re.compile(
    rb"(?<!\\)(?:\\\\)*(?P<escape>\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
"""An escaped surrogate without its other half, in a body that is not JSON."""


class EmptyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No body, or an object without members."""


class JSONRequest(Request[Any, Any, Any]):
    """A request; an empty body is the same as `{}`."""

    max_body_bytes = MAX_BODY_BYTES
    _cached_body: bytes | None = None

    async def body(self) -> bytes:
        """The whole body, cached. Raises RequestEntityTooLarge."""
        if self._cached_body is None:
            if self.declared_length() > self.max_body_bytes:
                raise RequestEntityTooLarge
            deadline = current_deadline()
            deadline.suspend()
            self._cached_body = await self._receive() or b"{}"
            deadline.restart()
        return self._cached_body

    def declared_length(self) -> int:
        """The bytes that Content-Length promises; 0 without one. Raises ClientException if it is no number."""
        value = headers.first(self, b"content-length", "0")
        if not _CONTENT_LENGTH.fullmatch(value):
            raise ClientException("Content-Length is not a number.")
        return int(value)

    async def _receive(self) -> bytes:
        body, more = bytearray(), True
        while more:
            message = await self.receive()
            if message["type"] != "http.request":
                raise InternalServerException("client disconnected prematurely")
            body += message.get("body", b"")
            if len(body) > self.max_body_bytes:
                raise RequestEntityTooLarge
            more = message.get("more_body", False)
        return bytes(body)


def decode_body_of(request: Request[Any, Any, Any], body: bytes, kind: type) -> Any:
    """The body of a request as a Struct; raises MalformedRequest for anything but JSON with the right content type."""
    content_type = headers.first(request, b"content-type")
    if content_type or body != b"{}":
        _check_content_type(request, content_type)
    return decode_body(body, kind)


def decode_body(body: bytes, kind: type) -> Any:
    """A body as a Struct; raises MalformedRequest with every error and its pointer."""
    try:
        decoded: Any = _decode_as(body, kind)
        duplicate = find_duplicate_key(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _invalid_json(error, body) from error
    if duplicate:
        detail = f"The key {quoted(duplicate.key)} occurs twice in one object."
        raise MalformedRequest("duplicate_key", detail, pointer=duplicate.pointer)
    return decoded


def decode_any(body: bytes) -> Any:
    """A body as JSON of any form; raises MalformedRequest if it is not JSON."""
    try:
        return decode_json(body)
    except (ValueError, RecursionError) as error:
        raise _invalid_json(error, body) from error


def convert_part(value: Any, kind: type[T], pointer: str) -> T:
    """A decoded part of a body as a Struct; raises MalformedRequest with every error and its pointer."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return _convert(with_whole_numbers(value), kind, pointer)


def invalid_body(value: Any, kind: Any, pointer: str) -> MalformedRequest:
    """The refusal of a decoded value that does not fit a type."""
    errors = find_errors(value, kind, pointer)
    return MalformedRequest("invalid_body", describe(errors), errors=errors)


def _decode_as(body: bytes, kind: type) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        return _convert(decode_any(body), kind, "#")  # a whole number may be written as 3.0


def _convert(value: Any, kind: type[T], pointer: str) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise invalid_body(value, kind, pointer) from error


def _invalid_json(error: Exception, body: bytes) -> MalformedRequest:
    if isinstance(error, UnicodeDecodeError):
        return MalformedRequest("invalid_json", "The body is not UTF-8.")
    if isinstance(error, RecursionError):
        return MalformedRequest("invalid_json", "The body is nested too deeply.")
    if half := _HALF_OF_A_PAIR.search(body):
        escape = half["escape"].decode()
        return MalformedRequest("invalid_json", f"{escape} is half of a surrogate pair, which is no character.")
    return MalformedRequest("invalid_json", f"The body is not JSON: {str(error).removeprefix('JSON is malformed: ')}.")


def _check_content_type(request: Any, content_type: str) -> None:
    allowed = PATCH_MEDIA_TYPES if request.method == "PATCH" else JSON_MEDIA_TYPES
    if content_type.partition(";")[0].strip().lower() not in allowed:
        raise MalformedRequest("unsupported_media_type", "Send JSON, with Content-Type: application/json.", status=415)
    if headers.first(request, b"content-encoding", "identity") != "identity":
        raise MalformedRequest("unsupported_media_type", "Send the body without a content encoding.", status=415)
