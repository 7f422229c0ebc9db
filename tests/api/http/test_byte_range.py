"""Byte ranges: a range that is answered is the same slice of the file."""

from collections.abc import Callable

import pytest
from hypothesis import strategies as st

from api.http import byte_range
from api.http.byte_range import ByteRange, parse_range
from domain.errors import RangeNotSatisfiable
from tests.law import law, planted_defect

_bounds = st.none() | st.integers(0, 40)


def sliced(content: bytes, first: int | None, last: int | None) -> bytes | None:
    """The bytes that a range names, by RFC 9110, section 14.1.2; the whole file for what is no range."""
    if first is None:
        return content if last is None else content[max(0, len(content) - last) :] if last else None
    if last is not None and last < first:
        return content
    return content[first : None if last is None else last + 1] or None


@law(st.binary(max_size=30), _bounds, _bounds, examples=400)
def a_range_is_a_slice(content: bytes, first: int | None, last: int | None) -> None:
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    expected = sliced(content, first, last)
    try:
        found = byte_range.parse_range(text, len(content))
    except RangeNotSatisfiable:
        assert not expected, (text, content)
        return
    answered = content if found is None else content[found.start : found.stop]
    assert answered == (expected or b""), (text, content)
    assert found is None or 0 <= found.start < found.stop <= len(content), (text, content)


def test_a_range_is_a_slice() -> None:
    a_range_is_a_slice()


def _one_byte_short(text: str, size: int) -> ByteRange | None:
    found = parse_range(text, size)
    return found and ByteRange(found.start, max(found.start + 1, found.stop - 1))


def _beyond_the_end(text: str, size: int) -> ByteRange | None:
    return parse_range(text, size + 1)


def _suffix_from_the_start(text: str, size: int) -> ByteRange | None:
    return parse_range(text.replace("bytes=-", "bytes=0-"), size)


@pytest.mark.parametrize("defect", [_one_byte_short, _beyond_the_end, _suffix_from_the_start])
def test_a_wrong_range_is_noticed(
    monkeypatch: pytest.MonkeyPatch, defect: Callable[[str, int], ByteRange | None]
) -> None:
    monkeypatch.setattr(byte_range, "parse_range", defect)
    with planted_defect(), pytest.raises(AssertionError):
        a_range_is_a_slice()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=1",
        "bytes=0-1,3-4",
        "lines=0-1",
        "bytes=--1",
        "bytes=1-0",
        "bytes=9" + 30 * "9" + "-",
    ],
)
def test_what_is_not_one_range_of_bytes_is_the_whole_file(text: str) -> None:
    assert parse_range(text, 10) is None


@pytest.mark.parametrize("text", ["bytes=2-3", "Bytes=2-3", "bytes= 2-3 "])
def test_a_range_can_be_written_in_several_ways(text: str) -> None:
    assert parse_range(text, 10) == ByteRange(2, 4)
    assert ByteRange(2, 4).content_range(10) == "bytes 2-3/10"
