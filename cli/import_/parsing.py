"""Parses JSON or JSON Lines without dropping duplicate names, and reports where a syntax error is."""

import json
import math
from typing import Final

from msgspec import Struct

from infra.errors import OperatorError


class InvalidValue(Struct, frozen=True):
    """A placeholder for a value that could not be parsed: why, and without the place."""

    reason: str
    kind: str


class DuplicateNames(dict[str, object]):
    """An object with a repeated name: a plain parser would silently drop the first value."""

    repeated: str = ""


class JsonLines(Struct, frozen=True):
    """A JSON Lines file: the number and value of each line that is not blank."""

    values: tuple[tuple[int, object], ...]


def parse_json(text: str, name: str) -> object:
    """The value of a JSON text, or its lines; raises OperatorError if it is neither.

    Bytes that are not UTF-8 are lone surrogates in the text: they fail the line that they are in.
    """
    try:
        text.encode()
        return _decode_json(text)
    except ValueError as error:
        json_lines = _parse_json_lines(text)
        if json_lines is None:
            raise OperatorError(_describe_error(text, name, error)) from error
        return json_lines
    except RecursionError:
        raise OperatorError(f"{name} is nested too deeply") from None


def _parse_json_lines(text: str) -> JsonLines | None:
    """The lines, if at least half are objects: any of them may be torn, also the first.

    Splits at line feeds only: U+2028 and similar characters occur inside real titles.
    """
    lines = [(number, line.strip(" \t\r")) for number, line in enumerate(text.split("\n"), 1)]
    lines = [(number, line) for number, line in lines if line]
    if len(lines) < 2 or lines[0][1] == "[" or not any(line.startswith("{") for _, line in lines):  # noqa: PLR2004
        return None
    values = tuple((number, _parse_line(line)) for number, line in lines)
    objects = sum(isinstance(value, dict) for _, value in values)
    return JsonLines(values) if 2 * objects >= len(values) else None


def _parse_line(line: str) -> object:
    try:
        line.encode()
        return _decode_json(line)
    except UnicodeEncodeError:
        return InvalidValue("not UTF-8", "not UTF-8")
    except ValueError as error:
        return InvalidValue(f"not JSON: {_error_location(error)}", "not JSON")
    except RecursionError:
        return InvalidValue("nested too deeply", "nested too deeply")


def _build_object(members: list[tuple[str, object]]) -> dict[str, object]:
    members_by_name = dict(members)
    if len(members_by_name) == len(members):
        return members_by_name
    names = [name for name, _ in members]
    duplicate = DuplicateNames(members_by_name)
    duplicate.repeated = next(name for at, name in enumerate(names) if name in names[:at])
    return duplicate


def _reject_constant(name: str) -> InvalidValue:
    return InvalidValue(f"{name} is not a JSON value", "NaN or Infinity is not a JSON value")


def _parse_float(text: str) -> float | InvalidValue:
    value = float(text)
    return value if math.isfinite(value) else InvalidValue(f"{text[:20]} is too large a number", "too large a number")


_decode_json: Final = json.JSONDecoder(
    object_pairs_hook=_build_object,
    parse_constant=_reject_constant,
    parse_float=_parse_float,
).decode


def _describe_error(text: str, name: str, error: ValueError) -> str:
    if isinstance(error, UnicodeEncodeError):
        line = text.count("\n", 0, error.start) + 1
        return f"{name} is not UTF-8: line {line}, character {error.start - text.rfind(chr(10), 0, error.start)}"
    return (
        f"{name} is {_OTHER_FORMATS_ADVICE[kind]}"
        if (kind := _other_format(text))
        else (f"{name} is not JSON: {_error_location(error)}")
    )


def _other_format(text: str) -> str:
    """The format that the beginning of a text shows, if it is one that task lists come in."""
    start = text.lstrip()[:200]
    first_line = start.partition("\n")[0]
    if start.startswith("BEGIN:VCALENDAR"):
        return "icalendar"
    if start.startswith("<"):
        return "xml"
    return "csv" if max(map(first_line.count, ",;\t")) > 1 and not start.startswith(("{", "[", '{"')) else ""


_JSON_ADVICE = "this version reads JSON only"
_OTHER_FORMATS_ADVICE: Final = {
    "icalendar": f"an iCalendar file, and {_JSON_ADVICE}: a reader for it is planned.",
    "xml": f"XML or HTML, and {_JSON_ADVICE}: export as JSON instead.",
    "csv": f"not JSON, but looks like CSV, and {_JSON_ADVICE}: a reader for CSV is planned. Convert it to a list of "
    "objects with the names of its header first.",
}


def _error_location(error: ValueError) -> str:
    if not isinstance(error, json.JSONDecodeError):
        return "a number with too many digits"
    return f"{error.msg} at line {error.lineno}, column {error.colno}"
