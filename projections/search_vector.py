"""The `tsvector` of a text: its lexemes, weighed by where they stand and whether they are words or stems.

Words of a title weigh A, their stems B; words of a description C, their stems D. What a title has is there once more,
without a position and behind a space, as a lexeme of titles: so the index knows how many titles have it.
"""

from functools import lru_cache
from typing import Final

from projections.search_lexemes import UNPLACED_KINDS, Lexeme, chunk_lexemes, stem
from projections.tsvector import MAX_POSITION, WEIGHT_BITS, TsVector, tsvector

_MAX_CACHED_CHARACTERS: Final = 40
"""Longer chunks are seldom seen twice."""
_UNPLACED: Final = 0


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


def _vector(text: str, *, is_title: bool) -> TsVector:
    places, last = dict[bytes, list[int]](), 0
    for chunk in text.split():
        cached = len(chunk) <= _MAX_CACHED_CHARACTERS
        found, length = (_cached_places if cached else _places)(chunk, is_title)
        is_far = last + length >= MAX_POSITION
        for lexeme, place in found:
            at = places.setdefault(lexeme, [])
            if place != _UNPLACED:
                at.append(_clip(place, last) if is_far else place + last)
        last += length
    return tsvector(places)


def _clip(place: int, last: int) -> int:
    """The place after the last position, or the greatest one that there is, at the same weight."""
    position = place & MAX_POSITION
    return place - position + min(position + last, MAX_POSITION)


def _places(chunk: str, is_title: bool) -> tuple[tuple[tuple[bytes, int], ...], int]:  # noqa: FBT001 - for the cache
    """The lexemes of a chunk, each with its place, and its length in positions."""
    found, length = chunk_lexemes(chunk)
    exact, stemmed = (WEIGHT_BITS[weight] for weight in ("AB" if is_title else "CD"))
    places = list[tuple[bytes, int]]()
    for each in found:
        if each.kind in UNPLACED_KINDS:
            places.append((each.text.encode(), _UNPLACED))
        else:
            position = min(each.position + 1, MAX_POSITION)
            places.append((each.text.encode(), position + (stemmed if each.kind == "stem" else exact)))
        if is_title and (of_titles := title_lexeme(each)):
            places.append((of_titles.encode(), _UNPLACED))
    return tuple(places), length


_cached_places = lru_cache(maxsize=50_000)(_places)
