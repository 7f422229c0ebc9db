"""The file of an attachment as a response: saved, not shown, and of no type that a browser runs anything in."""

from http import HTTPStatus
from typing import Any, Final

from litestar import Request

from api.http import headers
from api.http.byte_range import ByteRange
from api.http.conditional_response import etag_matches
from api.http.content_disposition import attachment_disposition
from api.http.streamed_response import Source, StreamedResponse
from commands.field_types import MediaType
from commands.validation import find_errors
from domain.attachment import Attachment

MEDIA_TYPE: Final = "application/octet-stream"
"""Of every file whose own type is not a passive one."""
PASSIVE_MEDIA_TYPES: Final = frozenset(
    {
        *("image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"),
        *("audio/mpeg", "audio/ogg", "audio/wav", "video/mp4", "video/webm"),
        *("application/pdf", "application/zip"),
    }
)
"""HTML, SVG and XML are not among them: they may hold scripts."""
_PROTECTION: Final = {
    "Accept-Ranges": "bytes",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
"""Beside `X-Content-Type-Options: nosniff`, which every response has."""


def media_type_of(request: Request[Any, Any, Any]) -> str:
    """The type that a request gives its body, without parameters; that of any bytes for none, or an invalid one."""
    named = headers.first(request, b"content-type").partition(";")[0].strip().lower()
    return MEDIA_TYPE if find_errors(named, MediaType, "#") else named


def is_unchanged(request: Request[Any, Any, Any], etag: str) -> bool:
    """Whether the client has the file already."""
    return etag_matches(",".join(headers.lines(request, b"if-none-match")), etag)


def file_response(attachment: Attachment, etag: str, part: ByteRange | None, source: Source) -> StreamedResponse:
    """200 with the whole file, or 206 with a part of it."""
    media_type = attachment.media_type if attachment.media_type in PASSIVE_MEDIA_TYPES else MEDIA_TYPE
    fields = {**_PROTECTION, "ETag": etag, "Content-Disposition": attachment_disposition(attachment.name)}
    if part is None:
        return StreamedResponse(
            source, attachment.size, status_code=HTTPStatus.OK.value, media_type=media_type, headers=fields
        )
    fields["Content-Range"] = part.content_range(attachment.size)
    return StreamedResponse(
        source,
        part.stop - part.start,
        status_code=HTTPStatus.PARTIAL_CONTENT.value,
        media_type=media_type,
        headers=fields,
    )
