"""The lexemes of a text, for full-text search: words with their stems, numbers, parts of unspaced runs, symbols.

A text is cut wherever letters, digits and other characters meet. So `v2.10.3` has the lexemes of `v 2 10 3`, in
sequence, and `2.10.3` is found in it; the same holds for the parts of paths, hosts and compounds. Scripts that do not
separate words become overlapping pairs of characters. Symbols have no positions of their own, so that a phrase is found
whatever stands between its words.

The parser of PostgreSQL is not used: it takes a path or an e-mail address for one word, and drops text in tags.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal, NamedTuple, TypeAlias
from unicodedata import category

import regex
import snowballstemmer

from projections.text_folding import fold_text

MAX_LEXEME_CHARACTERS: Final = 250
"""Longer words are cut: PostgreSQL stores at most 2,046 bytes."""
LexemeKind: TypeAlias = Literal["word", "stem", "number", "pair", "last", "symbol", "symbols", "punctuation"]
UNPLACED_KINDS: Final = frozenset({"punctuation", "symbols"})
"""Stored without a position."""
_ASCII_PART: Final = re.compile(r"([a-z]+)|([0-9]+)|()([^a-z0-9\x00-\x20\x7f])")
_UNSPACED_SCRIPTS: Final = "".join(
    rf"\p{{{script}}}"
    for script in (
        "Han", "Hiragana", "Katakana", "Hangul", "Bopomofo", "Yi", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan",
        "Tai_Le", "New_Tai_Lue", "Tai_Tham", "Javanese",
    )
)  # fmt: skip
_PART: Final = regex.compile(
    rf"""([\p{{L}}\p{{M}}--[{_UNSPACED_SCRIPTS}\u30fc\u3005]]+)
    |(\p{{Nd}}+)
    |([[{_UNSPACED_SCRIPTS}\u30fc\u3005]&&[\p{{L}}\p{{M}}\p{{Nl}}]]+)
    |([^\s\p{{Cc}}])""",
    regex.V1 | regex.VERBOSE,
)
_CHARACTER: Final = regex.compile(r".\p{M}*", regex.DOTALL)
_stem_english: Final = snowballstemmer.EnglishStemmer().stemWord
_stem_russian: Final = snowballstemmer.RussianStemmer().stemWord


class Lexeme(NamedTuple):
    """A lexeme, and its position in its chunk; a symbol has the position of what it follows.

    A `last` character of an unspaced run has no pair. A `symbol` means something beside words, `punctuation` does not;
    `symbols` are two that touch.
    """

    kind: LexemeKind
    text: str
    position: int


def chunk_lexemes(chunk: str) -> tuple[tuple[Lexeme, ...], int]:
    """The lexemes of a text without spaces, and its length in positions."""
    folded, found, last, end = fold_text(chunk), list[Lexeme](), 0, -1
    symbols, touched = dict[tuple[str, int, str, str], Lexeme](), None
    for part in (_ASCII_PART if folded.isascii() else _PART).finditer(folded):
        word, number, run, symbol = part.groups()
        if part.start() != end:
            touched = None
        if symbol:  # a long row of them repeats itself
            place = (symbol, last, touched.kind, touched.text[-1]) if touched else (symbol, last, "", "")
            if place not in symbols:
                found += _symbol_lexemes(symbol, last, touched)
                symbols[place] = found[-1]
            touched, end = symbols[place], part.end()
            continue
        if run:
            found += _run_lexemes(run, last + 1)
            last = found[-1].position
        else:
            last += 1
            cut = (word or number)[:MAX_LEXEME_CHARACTERS]
            found += _word_lexemes(cut, last) if word else [Lexeme("number", cut, last)]
        touched, end = found[-1], part.end()
    return tuple(found), last


def _word_lexemes(word: str, position: int) -> list[Lexeme]:
    root = stem(word)
    exact = Lexeme("word", word, position)
    return [exact] if root == word else [exact, Lexeme("stem", root, position)]


def _run_lexemes(run: str, start: int) -> list[Lexeme]:
    """Each two neighbouring characters, with their marks, at the position of the first, and the last by itself."""
    characters = _CHARACTER.findall(run)
    return [
        *(Lexeme("pair", one + other, start + at) for at, (one, other) in enumerate(pairwise(characters))),
        Lexeme("last", characters[-1], start + len(characters) - 1),
    ]


def _symbol_lexemes(symbol: str, position: int, touched: Lexeme | None) -> Iterator[Lexeme]:
    """The symbol, and the pair that it makes with a symbol that it touches; in `C#`, the `#` is no punctuation."""
    is_sharp = symbol == "#" and touched is not None and touched.kind in {"word", "stem"}
    kind: LexemeKind = "punctuation" if _is_punctuation(symbol) and not is_sharp else "symbol"
    if touched and touched.kind in {"symbol", "punctuation"}:
        both: LexemeKind = "symbols" if kind == touched.kind == "symbol" else "punctuation"
        yield Lexeme(both, touched.text[-1] + symbol, position)
    yield Lexeme(kind, symbol, position)


def _is_punctuation(symbol: str) -> bool:
    """Whether it means nothing beside words, unlike `+`, `€` and emoji."""
    kind = category(symbol)
    return kind[0] == "P" or kind == "Sk"


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The stem of a folded word: of an English one if its letters are Latin, of a Russian one if Cyrillic."""
    if word.isascii():
        return str(_stem_english(word))
    return str(_stem_russian(word)) if "\u0400" <= word[0] <= "\u04ff" else word
