"""A word or phrase to search for, as a `tsquery`: the lexemes that a text must have, in sequence."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from msgspec import Struct

from projections.search_lexemes import UNPLACED_KINDS, Lexeme, chunk_lexemes, quote_lexeme, stem

_SYMBOL_KINDS: Final = UNPLACED_KINDS | {"symbol"}


class SearchQuery(Struct, frozen=True):
    """A `tsquery` in text form, and the lexemes by which the texts that match are ranked; '' matches every text.

    A text matches by its stems, and ranks higher with the words as they are written. What has neither letters nor
    digits is looked for literally.
    """

    tsquery: str
    ranked_lexemes: tuple[str, ...]


def search_query(text: str, *, is_prefix: bool = False) -> SearchQuery:
    """The query for a word or a phrase; the last word of a prefix may continue."""
    found = list(_lexemes(text))
    if not all(each.kind in _SYMBOL_KINDS for each in found):
        found = [each for each in found if each.kind != "punctuation"]
    operands = _operands(found, is_prefix=is_prefix)
    ranked = (quote_lexeme(each.text) for each in found)
    continued = [operands[-1][0]] if is_prefix and operands else []
    symbols = [quote_lexeme(each.text) for each in found if each.kind in UNPLACED_KINDS]
    conditions = dict.fromkeys((*_sequence(operands), *symbols))
    return SearchQuery(" & ".join(conditions), tuple(dict.fromkeys((*ranked, *continued))))


def _sequence(operands: list[tuple[str, int]]) -> list[str]:
    """The operands one after the other, at their distances."""
    if not operands:
        return []
    chain = [operands[0][0], *(f"<{at - before}> {one}" for (_, before), (one, at) in pairwise(operands))]
    return [f"({' '.join(chain)})" if len(chain) > 1 else chain[0]]


def _lexemes(text: str) -> Iterator[Lexeme]:
    """The lexemes of the text, each at its position from 0."""
    last = 0
    for chunk in text.split():
        found, length = chunk_lexemes(chunk)
        yield from (Lexeme(kind, lexeme, last + at) for kind, lexeme, at in found)
        last += length


def _operands(found: list[Lexeme], *, is_prefix: bool) -> list[tuple[str, int]]:
    """What a text must have, each with its position: a word by its stem, a run by its pairs."""
    operands = list[tuple[str, int]]()
    ends = {each.position for each in found if each.kind == "pair"}
    last_position = max((each.position for each in found), default=0)
    for kind, text, at in found:
        if kind == "last":  # in another text, it may be the first of a pair
            operands += [] if at - 1 in ends else [(f"{quote_lexeme(text)}:*", at)]
        elif kind in {"word", "number"} and is_prefix and at == last_position:
            operands.append((f"{quote_lexeme(text)}:*", at))
        elif kind == "word":
            operands.append((quote_lexeme(stem(text)), at))
        elif kind not in {"stem", *UNPLACED_KINDS}:
            operands.append((quote_lexeme(text), at))
    return list(dict.fromkeys(operands))
