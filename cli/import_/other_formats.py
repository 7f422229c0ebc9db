"""Files of other formats than JSON, known by how they begin: what each seems to be, and what to do with it."""

import re
from collections.abc import Iterator
from typing import Final

from cli.import_.field_names import TITLE_FIELDS, normalize_name

_SAMPLE_CHARS: Final = 4_000
_SAMPLE_LINES: Final = 20
_SEPARATORS: Final = (",", ";", "\t")
_READS: Final = "this version reads JSON only"
_AS_OBJECTS: Final = "Convert it to a list of objects with the names of its header first."
_EXPORT: Final = "export the tasks as JSON instead."
_ADVICE: Final = {
    "icalendar": f"an iCalendar file, and {_READS}: a reader for it is planned.",
    "xml": f"XML or HTML, and {_READS}: export as JSON instead.",
    "csv": f"not JSON, but looks like CSV, and {_READS}: a reader for CSV is planned. {_AS_OBJECTS}",
    "tsv": f"not JSON, but looks like a table with tabs (TSV), and {_READS}. {_AS_OBJECTS}",
    "pdf": f"a PDF document, and {_READS}: {_EXPORT}",
    "rtf": f"a rich text document, and {_READS}: {_EXPORT}",
    "binary": f"a binary file, and {_READS}: {_EXPORT}",
    "yaml": f"not JSON, but looks like YAML, and {_READS}: convert it to JSON first.",
    "markdown": f"not JSON, but looks like Markdown, and {_READS}: make a list of objects with `title` from it first.",
    "text": f"not JSON, but plain text, and {_READS}: make a list of objects with `title` from it first.",
}
_STARTS: Final = {
    "BEGIN:VCALENDAR": "icalendar",
    "<": "xml",
    "%PDF-": "pdf",
    "{\\rtf": "rtf",
    **dict.fromkeys(("SQLite format 3", "\x89PNG", "\udc89PNG", "GIF8", "BZh", "\udcfd7zXZ", "7z\udcbc"), "binary"),
    "\udcd0\udccf": "binary",
}
_MARKDOWN_LINE: Final = re.compile(r"(#{1,6} |[-*+] (\[[ xX]\] )?|\d{1,3}[.)] |> |```)")
_YAML_LINE: Final = re.compile(r"""(- )?["']?[\w -]{1,60}["']?:(\s|$)|%YAML""")


def describe_other_format(text: str) -> str | None:
    """What the file is, and what to do, to stand after its name and `is`; None if it begins as JSON does."""
    start = text.lstrip()[:_SAMPLE_CHARS]
    kind = next((kind for beginning, kind in _STARTS.items() if start.startswith(beginning)), None)
    if kind is None and start.startswith(("{", "[")):
        return None
    return _ADVICE[kind or _kind_of_lines([line for line in start.splitlines() if line.strip()][:_SAMPLE_LINES])]


def _kind_of_lines(lines: list[str]) -> str:
    if any(char < " " and char not in "\t\r\n\f" for char in "".join(lines)):
        return "binary"
    separator = next((one for one in _SEPARATORS if _is_table(lines, one)), None)
    if separator:
        return "tsv" if separator == "\t" else "csv"
    if lines[0].strip() == "---" or _share(lines, _YAML_LINE) == 1:
        return "yaml"
    return "markdown" if _share(lines, _MARKDOWN_LINE) >= 0.5 else "text"  # noqa: PLR2004 - half of them


def _is_table(lines: list[str], separator: str) -> bool:
    """Whether a line is a header with a name of a title, or a quoted row, or all have as many separators."""
    counts = [line.count(separator) for line in lines]
    if any(f'"{separator}"' in line for line in lines):
        return True
    has_header = any(normalize_name(cell.strip('" ')) in TITLE_FIELDS for cell in lines[0].split(separator))
    if counts[0] and (has_header or counts[0] > 1):
        return True
    return len(lines) > 1 and counts[0] > 0 and len(set(counts)) == 1


def _share(lines: list[str], pattern: re.Pattern[str]) -> float:
    return sum(_matches(lines, pattern)) / len(lines)


def _matches(lines: list[str], pattern: re.Pattern[str]) -> Iterator[bool]:
    yield from (pattern.match(line.strip()) is not None for line in lines)
