"""An emoji: one sign that is shown in colour, in the one spelling that Unicode recommends.

The sequences are those of `possible_emoji` in Unicode Technical Standard #51, version 16.0, section 1.4.9. Each element
must be qualified (ED-17a and ED-18 there), and no selector may stand where none is needed, so that two spellings of an
emoji are not two reactions. Which sequences a font has a picture for is not checked: that list grows every year.
"""

from typing import Annotated, Final

import regex
from msgspec import Meta

MAX_EMOJI_CHARACTERS: Final = 32
"""The longest recommended one has ten code points."""
_FLAG = r"\p{RI}\p{RI}"
_TAGGED_FLAG = r"\U0001F3F4[\U000E0020-\U000E007E]+\U000E007F"
_KEYCAP = r"[0-9#*]\uFE0F\u20E3"
_IN_SKIN_TONE = r"\p{EBase}\p{EMod}"
_IN_COLOUR = r"[\p{EPres}--\p{RI}--\p{EMod}](?!\p{EMod})"
_ASKED_IN_COLOUR = r"[\p{Emoji}--\p{EPres}--[0-9#*]]\uFE0F"
_ELEMENT = f"(?:{_TAGGED_FLAG}|{_IN_SKIN_TONE}|{_IN_COLOUR}|{_ASKED_IN_COLOUR})"
_EMOJI: Final = regex.compile(rf"{_FLAG}|{_KEYCAP}|{_ELEMENT}(?:\u200D{_ELEMENT})*", regex.V1)


def require_emoji(text: str) -> None:
    """Raise ValueError unless the text is one emoji."""
    if not _EMOJI.fullmatch(text):
        raise ValueError("must be one emoji, in colour")


Emoji = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_EMOJI_CHARACTERS,
        description="One emoji, fully qualified (UTS #51).",
        examples=["👍"],
        extra={"check": require_emoji},
    ),
]
