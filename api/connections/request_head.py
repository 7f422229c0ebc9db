"""The head of a request: its size, and what its headers must not leave open."""

from collections.abc import Sequence

from api.connections import problems
from api.connections.problems import RequestRefused

MAX_HEAD_BYTES = 64 * 1024
"""Of the request line and headers of a request, with its trailers; also of one chunk extension."""
MAX_HEADERS = 100
HTTP_VERSIONS = ("1.0", "1.1")
CHUNKED = [b"chunked"]
"""The one transfer coding that is understood."""


def check(url: bytes, headers: Sequence[tuple[bytes, bytes]], http_version: str) -> None:
    """Raise RequestRefused for a head that is too large, or leaves open the form of the body, the host or the token."""
    size = len(url) + sum([len(name) + len(value) for name, value in headers])
    if size > MAX_HEAD_BYTES or len(headers) > MAX_HEADERS:
        raise RequestRefused(problems.HEAD_TOO_LARGE)
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
