"""Text for a terminal or a log: characters that could hide, reorder or forge what is shown are escaped.

Stored text is anyone's. An escape sequence in it could rewrite the screen, a bidirectional control (U+202E) could make
it read otherwise than it is, a line separator could forge a line.
"""

from unicodedata import category

_CATEGORIES_SHOWN = {"Zs"}
"""Not printable for Python, but spaces of some width."""
_FORMAT_CHARACTERS_SHOWN = frozenset(
    map(
        chr,
        (
            *(0x200C, 0x200D),  # the joiners of several scripts and of emoji
            *range(0x0600, 0x0606),  # signs that enclose the digits after them
            *(0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD),
        ),
    )
)


def escape(text: str) -> str:
    r"""The text on one line, with unsafe characters as \u202e: within JSON, this means the same character."""
    return text if text.isprintable() else "".join(map(_escape_character, text))


def _escape_character(character: str) -> str:
    if character.isprintable() or character in _FORMAT_CHARACTERS_SHOWN or category(character) in _CATEGORIES_SHOWN:
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
