"""Emoji: one sign, in the one spelling that is recommended."""

import pytest

from commands.emoji import MAX_EMOJI_CHARACTERS, require_emoji

EMOJI = [
    "👍", "👍🏽", "❤️", "☺️", "1️⃣", "#️⃣", "🇦🇹", "🏴", "🏳️‍🌈", "👨‍👩‍👧", "👩🏽‍⚕️", "🏃‍♂️", "🕵🏽‍♀️", "☝🏿", "👁️‍🗨️",
    "👨🏻‍❤️‍💋‍👨🏻", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️‍🔥", "🫩",
]  # fmt: skip
OTHERS = [
    "",
    " ",
    "a",
    "1",
    "#",
    "❤",
    "👍️",
    "👍👍",
    "👍 ",
    "🏽",
    "👍🏽🏽",
    "🇦",
    "🇦🇹🇩",
    "\u200d",
    "\ufe0f",
    "👨‍",
    "‍👧",
    "1⃣",
    "+1",
]


@pytest.mark.parametrize("text", EMOJI)
def test_an_emoji_is_one(text: str) -> None:
    require_emoji(text)
    assert len(text) <= MAX_EMOJI_CHARACTERS


@pytest.mark.parametrize("text", OTHERS)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="must be one emoji"):
        require_emoji(text)


@pytest.mark.parametrize("text", ["👨‍" * 20_000, "🏴" + "\U000e0067" * 20_000])
def test_a_long_text_is_refused_at_once(text: str) -> None:
    with pytest.raises(ValueError, match="must be one emoji"):
        require_emoji(text)
