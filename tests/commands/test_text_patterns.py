"""Patterns of text against the properties of the Unicode Character Database, for every code point there is."""

import re
import sys
from collections.abc import Iterator

import pytest
import regex

from commands.text_patterns import LINE_PATTERN, TEXT_PATTERN

pytestmark = pytest.mark.slow

LINE, TEXT = re.compile(LINE_PATTERN), re.compile(TEXT_PATTERN)
SURROGATES = range(0xD800, 0xE000)
BLANK = regex.compile(r"[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Z}\u2800]")
NEVER_IN_A_LINE = regex.compile(r"[\p{Bidi_Control}\p{Cc}\p{Zl}\p{Zp}]")
VISIBLE = regex.compile(r"[\p{L}\p{N}\p{P}\p{S}--\p{Default_Ignorable_Code_Point}--\u2800]", regex.VERSION1)


def characters(those: "regex.Pattern[str]") -> Iterator[str]:
    every = (chr(code) for code in range(sys.maxunicode + 1) if code not in SURROGATES)
    return (character for character in every if those.fullmatch(character))


def code_points(text: str) -> str:
    return " ".join(f"U+{ord(character):04X}" for character in text)


def test_no_blank_character_makes_a_line_alone_or_beside_spaces() -> None:
    accepted = [code_points(one) for one in characters(BLANK) if LINE.search(one) or LINE.search(f" {one} ")]
    assert accepted == []


def test_no_line_holds_a_control_or_a_character_that_reorders_it() -> None:
    accepted = [code_points(one) for one in characters(NEVER_IN_A_LINE) if LINE.search(f"milk{one}bread")]
    assert accepted == []


def test_every_visible_character_is_a_line() -> None:
    refused = [code_points(one) for one in characters(VISIBLE) if not LINE.search(one)]
    assert refused == []


def test_no_text_holds_a_control_but_tabs_and_line_ends() -> None:
    controls = regex.compile(r"\p{Cc}")
    assert {one for one in characters(controls) if TEXT.search(one)} == {"\t", "\n", "\r"}


@pytest.mark.parametrize(
    "text",
    [
        "\u200d\u200c\u2060\ufeff",
        "\ufff9\ufffa\ufffb",
        "\u2800\u3164\uffa0\u115f",
        "\U000e0041\U000e0042",
        "\u0600\u06dd\U000110bd",
        "\ufe0f\ufe0e\U000e0100",
        "\xad \u034f \u180e",
    ],
    ids=code_points,
)
def test_blanks_of_several_kinds_together_are_no_line(text: str) -> None:
    assert LINE.search(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}",
        "\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}",
        "\N{WAVING BLACK FLAG}\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "می\N{ZERO WIDTH NON-JOINER}خواهم",
        "क्\N{ZERO WIDTH JOINER}ष",
        "ශ්\N{ZERO WIDTH JOINER}රී",
        "Donau\N{SOFT HYPHEN}dampfschiff",
        "ภาษา\N{ZERO WIDTH SPACE}ไทย",
        "葛\U000e0100城",
        "\N{MONGOLIAN LETTER A}\N{MONGOLIAN VOWEL SEPARATOR}",
        "e\N{COMBINING ACUTE ACCENT}tude",
    ],
    ids=code_points,
)
def test_joiners_and_selectors_stay_welcome_beside_others(text: str) -> None:
    assert LINE.search(text)
