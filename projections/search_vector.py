"""The `tsvector` of a text: its lexemes, weighed by where they stand and whether they are words or stems.

Words of a title weigh A, their stems B; words of a description C, their stems D. What a title has is there once more,
without a position and behind a space, as a lexeme of titles: so the index knows how many titles have it.
"""

from typing import Final, NamedTuple

from projections.search_lexemes import UNPLACED_KINDS, Lexeme, chunk_lexemes, stem
from projections.tsvector import MAX_POSITION, PACKED_PLACES, WEIGHT_BITS, TsVector, tsvector

_MAX_CACHED_CHARACTERS: Final = 40
"""Longer chunks are seldom seen twice."""
_MAX_CACHED_CHUNKS: Final = 50_000
_cached_chunks: Final[tuple[dict[str, "_Chunk"], dict[str, "_Chunk"]]] = ({}, {})
"""Those of descriptions, and those of titles. A cache that is full is emptied: a lookup of `lru_cache` takes longer."""


def title_vector(text: str) -> TsVector:
    """The vector of a key and title."""
    return _vector(text, is_title=True)


def description_vector(text: str) -> TsVector:
    """The vector of a description."""
    return _vector(text, is_title=False)


def title_lexeme(lexeme: Lexeme) -> str | None:
    """The lexeme that titles with this one have; None if no text but a title has it, or it is the end of a run."""
    match lexeme.kind:
        case "word":
            return f" {stem(lexeme.text)}"
        case "number" | "pair":
            return f" {lexeme.text}"
    return None


class _Chunk(NamedTuple):
    """The lexemes of a text without spaces: those with a place, and the others; its length in positions.

    The places of symbols may be equal.
    """

    placed: tuple[tuple[bytes, int], ...]
    unplaced: tuple[bytes, ...]
    length: int
    has_symbols: bool


def _vector(text: str, *, is_title: bool) -> TsVector:
    places, last, is_ordered, cache = dict[bytes, bytes](), 0, True, _cached_chunks[is_title]
    for chunk in text.split():
        placed, unplaced, length, has_symbols = cache.get(chunk) or _read_chunk(chunk, is_title=is_title)
        is_far = last + length >= MAX_POSITION
        is_ordered = is_ordered and not (has_symbols or is_far)
        for lexeme, place in placed:
            packed = PACKED_PLACES[_clip(place, last) if is_far else place + last]
            before = places.get(lexeme)
            places[lexeme] = before + packed if before else packed
        for lexeme in unplaced:
            places.setdefault(lexeme, b"")
        last += length
    return tsvector(places, is_ordered=is_ordered)


def _clip(place: int, last: int) -> int:
    """The place after the last position, or the greatest one that there is, at the same weight."""
    position = place & MAX_POSITION
    return place - position + min(position + last, MAX_POSITION)


def _read_chunk(chunk: str, *, is_title: bool) -> _Chunk:
    found, length = chunk_lexemes(chunk)
    exact, stemmed = (WEIGHT_BITS[weight] for weight in ("AB" if is_title else "CD"))
    placed = tuple(
        (each.text.encode(), min(each.position + 1, MAX_POSITION) + (stemmed if each.kind == "stem" else exact))
        for each in found
        if each.kind not in UNPLACED_KINDS
    )
    unplaced = [each.text for each in found if each.kind in UNPLACED_KINDS]
    of_titles = [name for each in found if (name := title_lexeme(each))] if is_title else []
    names = tuple(name.encode() for name in (*unplaced, *of_titles))
    read = _Chunk(placed, names, length, any(each.kind == "symbol" for each in found))
    if len(chunk) <= _MAX_CACHED_CHARACTERS:
        cache = _cached_chunks[is_title]
        if len(cache) >= _MAX_CACHED_CHUNKS:
            cache.clear()
        cache[chunk] = read
    return read
