"""The head of a request as it arrives: its size, and the headers that may not be repeated."""

from collections.abc import Sequence

from api.http import connection_problems as problems
from api.http.connection_problems import RequestRefused

MAX_HEAD_BYTES = 64 * 1024
"""Of the request line and headers of a request, with its trailers; also of one chunk extension."""
MAX_HEADERS = 100


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
    """Raise RequestRefused for headers that leave open which host or whose token is meant."""
    names = [name for name, _ in headers]
    if names.count(b"host") != 1 and (b"host" in names or http_version == "1.1"):
        raise RequestRefused(problems.INVALID_HOST)
    if names.count(b"authorization") > 1:
        raise RequestRefused(problems.REPEATED_AUTHORIZATION)
