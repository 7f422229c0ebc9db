"""Texts of a history: what Taskledger refuses in them is dropped, with a remark, as history cannot leave a fact out."""

from typing import Final

from msgspec import Struct, field

from cli.import_.history.intention import Notes
from cli.import_.text_validation import MAX_CHARS, is_valid, to_one_line

_SEVERAL_LINES: Final = frozenset({"description", "comment"})


class Texts(Struct, frozen=True):
    """Makes texts of a file valid; `notes` tell what that changed, once for each text."""

    notes: Notes
    _changed: dict[tuple[str, str], str] = field(default_factory=dict)

    def clean(self, text: str, field_type: str, instead: str = "") -> str:
        """A valid text of one of the field types; `instead` if nothing is left of it."""
        if is_valid(text, field_type) and (field_type in _SEVERAL_LINES or text == text.strip()):
            return text
        if (text, field_type) not in self._changed:
            self._changed[text, field_type] = self._clean(text, field_type, instead)
        return self._changed[text, field_type]

    def _clean(self, text: str, field_type: str, instead: str) -> str:
        if field_type not in _SEVERAL_LINES:
            text = self._one_line(text, field_type)
        if is_valid(text, field_type):
            return text
        refused = {char for char in set(text) if not is_valid(f"x{char}", field_type)}
        kept = "".join(char for char in text if char not in refused)[: MAX_CHARS[field_type]].rstrip()
        if refused:
            self.notes.remarks[f"{field_type}: control or invisible characters were dropped"] += 1
        if len(text) > MAX_CHARS[field_type]:
            self.notes.remarks[f"{field_type}: cut at {MAX_CHARS[field_type]:,} characters"] += 1
        if is_valid(kept, field_type):
            return kept
        if instead:
            self.notes.remarks[f"{field_type}: blank, so {instead!r}"] += 1
        return instead

    def _one_line(self, text: str, field_type: str) -> str:
        line = to_one_line(text)
        if line != text.strip():
            self.notes.remarks[f"{field_type}: line ends became spaces"] += 1
        return line
