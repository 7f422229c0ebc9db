"""The patterns of text that people write: one line, such as a title, or several, such as a description.

The properties are those of the Unicode Character Database, version 16.0: Bidi_Control in PropList.txt,
Default_Ignorable_Code_Point in DerivedCoreProperties.txt, and General_Category. UTS #51, ED-14a, defines emoji tag
sequences. Characters beyond U+FFFF stand for themselves, as dialects of regular expressions escape them differently.
"""

# Patterns end in `$(?!\n)`: Python's `$` also matches before a last line end, and other dialects have no `\Z`.
_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_BIDI_CONTROLS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Bidi_Control: they reorder the text around them, so that it reads as another."""
_TAGS = "\U000e0000-\U000e007f"
"""They spell invisible text, except in a flag: a black flag, the tags of a region, and the tag that ends it."""
_FLAG_REST = "(?<=\U0001f3f4)[\U000e0020-\U000e007e]+\U000e007f"
_DEFAULT_IGNORABLES = (
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Default_Ignorable_Code_Point: alone they show nothing, but scripts and emoji need many of them beside others."""
_FORMAT_CHARACTERS = (
    r"\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f"
)
"""The rest of category Cf: they frame or join what stands beside them."""
BLANKS = rf"\s\u2800{_DEFAULT_IGNORABLES}{_FORMAT_CHARACTERS}"
"""Also the Braille pattern without dots, the one blank that no property names."""
_LINE_CHARACTERS = f"[^{_CONTROLS}{_BIDI_CONTROLS}{_TAGS}]*"

LINE_PATTERN = rf"^(?=[^\n]*[^{BLANKS}]){_LINE_CHARACTERS}(?:{_FLAG_REST}{_LINE_CHARACTERS})*$(?!\n)"
"""One line with a visible character; without controls, or characters that make text look like another or hide it."""
TEXT_PATTERN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$(?!\n)"
"""Any number of lines: tabs and line ends are the only control characters."""
VISIBLE_TEXT_PATTERN = rf"^(?=[\s\S]*[^{BLANKS}])[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$(?!\n)"
"""The same, with a visible character."""
