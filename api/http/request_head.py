"""The head of a request as it arrives: its size, and the headers that may not be repeated."""

from api.http import connection_problems as problems
from api.http.connection_problems import RequestRefused

MAX_HEAD_BYTES = 64 * 1024
"""Of the request line and headers of a request, with its trailers; also of one chunk extension."""
MAX_HEADERS = 100


class RequestHead:
    """Counts what arrives; raises RequestRefused."""

    def __init__(self) -> None:
        self._bytes = self._headers = self._hosts = self._authorizations = 0

    def add_bytes(self, count: int) -> None:
        self._bytes += count
        if self._bytes > MAX_HEAD_BYTES:
            raise RequestRefused(problems.HEAD_TOO_LARGE)

    def add_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer."""
        self._bytes += len(name) + len(value)
        self._headers += 1
        if self._headers > MAX_HEADERS or self._bytes > MAX_HEAD_BYTES:
            raise RequestRefused(problems.HEAD_TOO_LARGE)
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"authorization":
            self._authorizations += 1

    def check(self, http_version: str) -> None:
        """Check the headers, once they are complete."""
        if self._hosts != 1 and (self._hosts or http_version == "1.1"):
            raise RequestRefused(problems.INVALID_HOST)
        if self._authorizations > 1:
            raise RequestRefused(problems.REPEATED_AUTHORIZATION)
