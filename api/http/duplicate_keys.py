"""Duplicate keys: the first key that occurs twice in one object of a JSON document, which parsers read differently."""

import re
from collections.abc import Iterator
from json import JSONDecoder
from typing import Any

import msgspec
from msgspec import Struct


class DuplicateKey(Struct, frozen=True):
    """A key, and the JSON pointer (RFC 6901) of it."""

    key: str
    pointer: str


def find_duplicate_key(document: bytes) -> DuplicateKey | None:
    """The first duplicate key of a valid JSON document, if any; raises RecursionError if it is nested too deeply.

    A colon follows every key. So if an object has as many members as there are quotes with a colon after them, no
    key was overwritten: this costs a third of a scan, and suffices for most bodies.
    """
    keys_at_most = document.count(b'":')
    is_compact = document.count(b":") == keys_at_most or not _SPACED_COLON.search(document)
    if is_compact and (keys_at_most <= 1 or _member_count(document) == keys_at_most):
        return None
    text = document.decode().lstrip()
    try:
        _SCANNER.raw_decode(text)
    except _DuplicateFoundError:
        return next(_duplicates_in(_LOCATOR.raw_decode(text)[0], "#"))
    return None


def _member_count(document: bytes) -> int:
    """Of the outermost object only."""
    try:
        return len(_decode_members(document))
    except msgspec.ValidationError:
        return 0  # no object


class _DuplicateFoundError(Exception):
    pass


def _reject_duplicates(members: list[tuple[str, Any]]) -> None:
    if len(dict(members)) != len(members):
        raise _DuplicateFoundError


def _mark_duplicates(members: list[tuple[str, Any]]) -> Any:
    """The object as a dictionary, or its first duplicate key in its place."""
    seen = set[str]()
    for key, _ in members:
        if key in seen:
            return DuplicateKey(key, "")
        seen.add(key)
    return dict(members)


def _duplicates_in(value: Any, pointer: str) -> Iterator[DuplicateKey]:
    match value:
        case DuplicateKey(key):
            yield DuplicateKey(key, _child(pointer, key))
        case dict():
            for key, member in value.items():
                yield from _duplicates_in(member, _child(pointer, key))
        case list():
            for index, item in enumerate(value):
                yield from _duplicates_in(item, f"{pointer}/{index}")


def _child(pointer: str, key: str) -> str:
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


_SPACED_COLON = re.compile(rb'"[ \t\r\n]+:')
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
# Numbers are read as floats, because Python refuses to convert very long integers.
_SCANNER = JSONDecoder(object_pairs_hook=_reject_duplicates, parse_int=float)
_LOCATOR = JSONDecoder(object_pairs_hook=_mark_duplicates, parse_int=float)
