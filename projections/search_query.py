"""A word or phrase to search for, as a `tsquery`: the lexemes that a text must have, in sequence."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from projections.search_lexemes import UNPLACED_KINDS, Lexeme, chunk_lexemes, stem
from projections.search_vector import title_lexeme
from projections.similar_words import similar_words
from projections.tsvector import quote_lexeme

_SYMBOL_KINDS: Final = UNPLACED_KINDS | {"symbol"}


class SearchQuery(Struct, frozen=True):
    """A `tsquery` in text form for each way to match; '' matches every text.

    A text matches by its stems, which `anywhere` requires. `as_written` requires the words as they are written, and
    `words` allows stems that are spelled like them. `title_words` requires them in the title, in any form and order;
    each of `each_title_word` requires one of them. `in_title` and `as_written_in_title` require all of it there, as a
    phrase if it is one. What has neither letters nor digits is looked for literally; beside words, punctuation counts
    only as it is written.
    """

    anywhere: str
    words: str
    as_written: str
    title_words: str
    each_title_word: tuple[str, ...]
    in_title: str
    as_written_in_title: str


def search_query(text: str, *, is_prefix: bool = False) -> SearchQuery:
    """The query for a word or a phrase; the last word of a prefix may continue."""
    found = list(_lexemes(text))
    operands = list(_operands(found, _continued(found) if is_prefix else None))
    written = [quote_lexeme(each.text) for each in found if each.kind in UNPLACED_KINDS]
    is_literal = all(each.kind in _SYMBOL_KINDS for each in found)
    symbols = [quote_lexeme(each.text) for each in found if each.kind == "symbols"] if not is_literal else written
    of_titles = tuple(dict.fromkeys(each.title_lexeme or each.stemmed("AB").sql for each in operands))
    return SearchQuery(
        _conjunction([each.stemmed("") for each in operands], symbols),
        _conjunction([each.as_written("") for each in operands], symbols),
        _conjunction([each.as_written("AC") for each in operands], written),
        " & ".join(of_titles) or _conjunction([], symbols),
        of_titles,
        _conjunction([each.stemmed("AB") for each in operands], symbols),
        _conjunction([each.as_written("A") for each in operands], written),
    )


def similar_query(text: str, *, is_prefix: bool = False) -> str:
    """The query that allows each word a slip of the pen, in any order; symbols alone are looked for as they are."""
    found = list(_lexemes(text))
    operands = _operands(found, _continued(found) if is_prefix else None)
    return " & ".join(dict.fromkeys(each.similar() for each in operands)) or search_query(text).anywhere


class _Placed(Struct, frozen=True):
    """A part of a query, in text form, at its position."""

    sql: str
    position: int


class _Operand(Struct, frozen=True):
    """What a text must have at a position: a word or its stem, or the beginning of either."""

    word: str
    stem: str
    position: int
    title_lexeme: str | None = None
    is_prefix: bool = False

    def as_written(self, weights: str) -> _Placed:
        return self.stemmed(weights and "AB") if self.is_prefix else self._placed(self.word, weights)

    def stemmed(self, weights: str) -> _Placed:
        return self._placed(self.stem, weights)

    def similar(self) -> str:
        """The query for words that are similar to the word or to its stem, or are those themselves."""
        words = {self.stem} if self.is_prefix else similar_words(self.word) | similar_words(self.stem)
        return f"({' | '.join(self._placed(word, '').sql for word in sorted(words))})"

    def _placed(self, lexeme: str, weights: str) -> _Placed:
        labels = f"*{weights}" if self.is_prefix else weights
        return _Placed(f"{quote_lexeme(lexeme)}:{labels}" if labels else quote_lexeme(lexeme), self.position)


def _conjunction(operands: Sequence[_Placed], symbols: Sequence[str]) -> str:
    """The operands one after the other, at their distances, and all symbols."""
    chain = list(dict.fromkeys(operands))
    steps = (f"<{after.position - before.position}> {after.sql}" for before, after in pairwise(chain))
    sequence = " ".join([*(each.sql for each in chain[:1]), *steps])
    placed = [f"({sequence})" if len(chain) > 1 else sequence] if chain else []
    return " & ".join(dict.fromkeys((*placed, *symbols)))


def _lexemes(text: str) -> Iterator[Lexeme]:
    """The lexemes of the text, each at its position from 0."""
    last = 0
    for chunk in text.split():
        found, length = chunk_lexemes(chunk)
        yield from (Lexeme(kind, lexeme, last + at) for kind, lexeme, at in found)
        last += length


def _continued(found: Sequence[Lexeme]) -> int:
    """The position of the last word."""
    return max((each.position for each in found), default=0)


def _operands(found: Sequence[Lexeme], continued: int | None) -> Iterator[_Operand]:
    """What a text must have: a word by its stem, a run by its pairs; the word at the position `continued` may continue.

    The last character of a run of more may be the first of a pair in another text, so it is left out.
    """
    ends = {each.position for each in found if each.kind == "pair"}
    for each in found:
        if each.kind == "last":
            if each.position - 1 not in ends:
                yield _Operand(each.text, each.text, each.position, is_prefix=True)
        elif each.kind in {"word", "number"} and each.position == continued:
            yield _Operand(each.text, each.text, each.position, is_prefix=True)
        elif each.kind not in {"stem", *UNPLACED_KINDS}:
            of_titles = title_lexeme(each)
            root = stem(each.text) if each.kind == "word" else each.text
            yield _Operand(each.text, root, each.position, of_titles and quote_lexeme(of_titles))
