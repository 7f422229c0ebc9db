"""The head of a request as it arrives: its size, and the headers that may not be repeated."""

from collections.abc import Sequence

from api.connections import problems
from api.connections.problems import RequestRefused

MAX_HEAD_BYTES = 64 * 1024
"""Of the request line and headers of a request, with its trailers; also of one chunk extension."""
MAX_HEADERS = 100
HTTP_VERSIONS = ("1.0", "1.1")
CHUNKED = [b"chunked"]
"""The one transfer coding that is understood."""


class RequestHead:
    """Counts what arrives; raises RequestRefused."""

    __slots__ = ("_bytes", "_headers")

    def __init__(self) -> None:
        self._bytes = self._headers = 0

    def add_url(self, url: bytes) -> None:
        """A part of the URL."""
        self._bytes += len(url)
        if self._bytes > MAX_HEAD_BYTES:
            raise RequestRefused(problems.HEAD_TOO_LARGE)

    def add_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer."""
        self._bytes += len(name) + len(value)
        self._headers += 1
        if self._headers > MAX_HEADERS or self._bytes > MAX_HEAD_BYTES:
            raise RequestRefused(problems.HEAD_TOO_LARGE)


def check_headers(headers: Sequence[tuple[bytes, bytes]], http_version: str) -> None:
    """Raise RequestRefused for headers that leave open what is meant: the form of the body, the host, or the token."""
    if http_version not in HTTP_VERSIONS:
        raise RequestRefused(problems.MALFORMED)
    names = [name for name, _ in headers]
    if names.count(b"host") != 1 and (b"host" in names or http_version == "1.1"):
        raise RequestRefused(problems.INVALID_HOST)
    if names.count(b"authorization") > 1 or names.count(b"content-type") > 1:
        raise RequestRefused(problems.REPEATED_HEADER)
    if b"transfer-encoding" in names and _transfer_codings(headers) != CHUNKED:
        raise RequestRefused(problems.MALFORMED)


def _transfer_codings(headers: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    return [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
