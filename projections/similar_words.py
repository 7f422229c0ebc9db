"""Words that differ from a word by one slip of the pen: a letter too many, missing, wrong, or swapped with the next."""

from collections.abc import Iterable, Iterator
from typing import Final

MIN_LETTERS, MAX_LETTERS = 4, 20
"""Too many words are similar to a shorter one, and a longer one is similar to too many."""
_ALPHABETS: Final = ("abcdefghijklmnopqrstuvwxyz", "абвгдежзийклмнопрстуфхцчшщъыьэюя", "αβγδεζηθικλμνξοπρστυφχψω")
"""Of scripts whose letters are few; in others, a letter is sought among those of the word."""


def similar_words(word: str) -> frozenset[str]:
    """The words, most of which do not exist, that are one slip from a folded word; the word itself is one of them."""
    if not (MIN_LETTERS <= len(word) <= MAX_LETTERS and word.isalpha()):
        return frozenset((word,))
    letters = next((each for each in _ALPHABETS if word[0] in each), "".join(set(word)))
    return frozenset((word, *_edits(word, letters)))


def _edits(word: str, letters: Iterable[str]) -> Iterator[str]:
    for at in range(len(word) + 1):
        before, after = word[:at], word[at:]
        yield from (before + letter + after for letter in letters)
        if after:
            yield before + after[1:]
            yield from (before + letter + after[1:] for letter in letters)
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
