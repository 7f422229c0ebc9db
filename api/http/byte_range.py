"""Byte ranges: the part of a file that a request asks for (RFC 9110, section 14)."""

import re
from typing import Any

from litestar import Request
from msgspec import Struct

from api.http import headers
from domain.errors import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


class ByteRange(Struct, frozen=True):
    """The bytes from `start` up to `stop`, which is not one of them."""

    start: int
    stop: int

    def content_range(self, size: int) -> str:
        """The header that names it."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def requested_range(request: Request[Any, Any, Any], etag: str, size: int) -> ByteRange | None:
    """The range of a file of this size that a request asks for, if it asks for one.

    Several ranges, a range in another unit or form, and one of another version of the file than `If-Range` names, are
    answered with the whole file. Raises RangeNotSatisfiable.
    """
    if headers.first(request, b"if-range", etag).strip() != etag:
        return None
    return parse_range(", ".join(headers.lines(request, b"range")), size)


def parse_range(text: str, size: int) -> ByteRange | None:
    """The one range that a header names, as far as the file goes; raises RangeNotSatisfiable where it has no byte."""
    match = _ONE_RANGE.fullmatch(text)
    if match is None or match[1] == match[2] == "":
        return None
    if not match[1]:
        found = ByteRange(max(0, size - int(match[2])), size)
    else:
        start, last = int(match[1]), int(match[2] or size)
        if match[2] and last < start:
            return None
        found = ByteRange(start, min(last + 1, size))
    if found.start >= found.stop:
        raise RangeNotSatisfiable(size=size)
    return found
