"""Uploads: a request body of any type, written away piece by piece while it arrives."""

from typing import Protocol

from api.http import headers, streamed_body
from api.http.body import JSONRequest
from api.http.deadline import current_deadline
from api.http.malformed_request import MalformedRequest
from domain.errors import AttachmentTooLarge

WRITE_BYTES = 256 * 1024
"""How much is written at a time."""


class Destination(Protocol):
    """What the bytes are written to."""

    size: int

    async def write(self, piece: bytes) -> None:
        """Add the next piece."""


def check_upload_head(request: JSONRequest, max_bytes: int) -> None:
    """Raise AttachmentTooLarge or MalformedRequest for what the headers tell, before the first byte is read."""
    if headers.first(request, b"content-encoding", "identity") != "identity":
        raise MalformedRequest("unsupported_encoding", "Send the file without a Content-Encoding.", status=415)
    if request.declared_length() > max_bytes:
        raise AttachmentTooLarge(most=max_bytes)


async def receive_upload(request: JSONRequest, destination: Destination, max_bytes: int) -> None:
    """Write the whole body; the deadline stands still meanwhile.

    Raises AttachmentTooLarge as soon as there are too many bytes, MalformedRequest if the client stops halfway.
    """
    streamed_body.begin()
    deadline = current_deadline()
    deadline.suspend()
    pending, more = bytearray(), True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise MalformedRequest("upload_interrupted", "Send the file again.")
        pending += message.get("body", b"")
        more = message.get("more_body", False)
        if destination.size + len(pending) > max_bytes:
            raise AttachmentTooLarge(most=max_bytes)
        if len(pending) >= WRITE_BYTES or not more:
            await destination.write(bytes(pending))
            pending.clear()
    deadline.restart()
