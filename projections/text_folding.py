"""Folding of text for comparison: the same string for spellings that readers take for the same.

Case, accents, width and composition do not matter, nor do characters that are invisible; every dash is a hyphen, every
apostrophe the same. Canonical caseless matching is section 3.13 of the Unicode Standard.
"""

from typing import Final
from unicodedata import category, combining, decimal, decomposition, normalize

import regex

DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
"""The dashes, and the minus sign."""
APOSTROPHES: Final = "\u2018\u2019\u201b\u02bb\u02bc\u02bd\u02c8\uff07\u00b4"
_DEFAULT_IGNORABLE: Final = regex.compile(r"\p{Default_Ignorable_Code_Point}")
_TATWEEL: Final = "\u0640"
"""Stretches an Arabic word; no letter."""
_BASE_LETTERS: Final = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "\u0131": "i",
        "ħ": "h",
        "ŧ": "t",
        "ŋ": "n",
    }
)
"""Letters with strokes and ligatures that Unicode does not decompose."""
_BREVE: Final = "\u0306"
_FIRST_ACCENT_CLASS: Final = 200
"""Combining classes from here on are positions around a letter; those below belong to scripts of their own."""
_VOWEL_POINT_CLASSES: Final = range(10, 37)
"""The vowel points of Hebrew and Arabic."""
_NUKTA_CLASS: Final = 7
_OVERLAY_CLASS: Final = 1
_MAX_COMPATIBLE_CHARACTERS: Final = 4
"""A few ligatures stand for whole sentences; they are kept."""


def fold_text(text: str) -> str:
    """The text in the form by which texts are compared, in NFC."""
    if text.isascii():
        return text.lower()
    return normalize("NFC", normalize("NFC", text).translate(_FOLDED_CHARACTERS))


class _FoldedCharacters(dict[int, str]):
    """Each character folded, computed once."""

    def __missing__(self, code_point: int) -> str:
        self[code_point] = folded = _fold_character(chr(code_point))
        return folded


_FOLDED_CHARACTERS: Final = _FoldedCharacters()


def _fold_character(character: str) -> str:
    if character == _TATWEEL or _DEFAULT_IGNORABLE.match(character):
        return ""
    if character in DASHES:
        return "-"
    if character in APOSTROPHES:
        return "'"
    kind = category(character)
    if kind == "Nd":
        return str(decimal(character))
    if kind[0] == "S" and not decomposition(character).startswith(("<wide>", "<narrow>")):
        return character.casefold()
    return _fold_letter(character)


def _fold_letter(letter: str) -> str:
    """The letter in lower case, without its accents; й and ў are letters, not accented ones."""
    decomposed = normalize("NFKD", normalize("NFKD", letter).casefold())
    if len(decomposed) > _MAX_COMPATIBLE_CHARACTERS:
        return letter
    is_cyrillic = "\u0400" <= decomposed[:1] <= "\u052f"
    kept = (each for each in decomposed if not _is_accent(each) or (is_cyrillic and each == _BREVE))
    return normalize("NFC", "".join(kept)).translate(_BASE_LETTERS)


def _is_accent(mark: str) -> bool:
    """Whether a mark only modifies its letter; the vowel signs of Indic scripts and Thai are letters themselves."""
    place = combining(mark)
    return category(mark) == "Me" or (
        place >= _FIRST_ACCENT_CLASS or place in _VOWEL_POINT_CLASSES or place in {_NUKTA_CLASS, _OVERLAY_CLASS}
    )
