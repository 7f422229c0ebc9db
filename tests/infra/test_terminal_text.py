"""Text for a terminal: no character of it can rewrite, reorder or forge what is shown; the rest is unchanged."""

import json
import unicodedata

import pytest
from hypothesis import strategies as st

from infra import terminal_text
from infra.terminal_text import escape
from tests.law import law
from tests.planted_defects import assert_check_fails

UNSAFE = ["\x00", "\x07", "\x1b[2J", "\r", "\n", "\t", "\x7f", "\x85", "\x9b", "\u202a", "\u202e", "\u2066", "\u2069"]
UNSAFE += [
    "\u2028",
    "\u2029",
    "\u200b",
    "\u200e",
    "\u200f",
    "\u061c",
    "\ufeff",
    "\u00ad",
    "\U000e0041",
    "\ue000",
    "\ud800",
]
SHOWN = ["Öl 🥛", "👩‍👩‍👧", "🏳️‍🌈", "می‌خواهم", "a\u00a0b", "\u3000", "क्‍ष", "عربي", "日本語", "`\"'\\", ""]
UNSAFE_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
VISIBLE_OR_JOINING = {"\u200c", "\u200d", "\u06dd", "\u070f", "\u0890", "\u0891", "\u08e2", "\U000110bd", "\U000110cd"}
VISIBLE_OR_JOINING |= {chr(code) for code in range(0x600, 0x606)}


@pytest.mark.parametrize("text", UNSAFE)
def test_an_unsafe_character_is_escaped(text: str) -> None:
    units = text[0].encode("utf-16-be", "surrogatepass").hex()
    assert escape(text[0]) == "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    assert escape(text).isascii()


@pytest.mark.parametrize("text", SHOWN)
def test_scripts_and_emoji_are_shown_as_they_are(text: str) -> None:
    assert escape(text) == text


@law(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("".join(UNSAFE[:-1]))), examples=300)
def no_unsafe_character_is_left_and_json_keeps_its_meaning(text: str) -> None:
    escaped = escape(text)
    left = {each for each in escaped if unicodedata.category(each) in UNSAFE_CATEGORIES} - VISIBLE_OR_JOINING
    assert not left, text
    assert json.loads(escape(json.dumps(text, ensure_ascii=False))) == text
    assert escape(escaped) == escaped


def test_no_unsafe_character_is_left_and_json_keeps_its_meaning() -> None:
    no_unsafe_character_is_left_and_json_keeps_its_meaning()


def test_an_escape_of_ascii_controls_only_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_text, "_CATEGORIES_SHOWN", {"Zs", "Cf", "Zl", "Zp"})
    assert_check_fails(no_unsafe_character_is_left_and_json_keeps_its_meaning)
