"""Parses JSON or JSON Lines without dropping duplicate names, and reports where a syntax error is."""

import json
import math
from typing import Any, Final

from msgspec import Struct

from cli.import_.other_formats import describe_other_format
from cli.import_.syntax_errors import describe_syntax_error
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
        return _decode(text)
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
        return _decode(line)
    except UnicodeEncodeError:
        return InvalidValue("not UTF-8", "not UTF-8")
    except ValueError as error:
        return InvalidValue(f"not JSON: {describe_syntax_error(error, names_line=False)}", "not JSON")
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


def _parse_int(text: str) -> int | InvalidValue:
    try:
        return int(text)
    except ValueError:
        return InvalidValue(f"a number of {len(text):,} digits is too large", "too large a number")


def _decode(text: str) -> object:
    """The value of a text; a number with too many digits for Python is invalid where it stands."""
    try:
        return _decode_json(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return _decode_with_long_numbers(text)


_HOOKS: Final[dict[str, Any]] = {
    "object_pairs_hook": _build_object,
    "parse_constant": _reject_constant,
    "parse_float": _parse_float,
}
_decode_json: Final = json.JSONDecoder(**_HOOKS).decode
_decode_with_long_numbers: Final = json.JSONDecoder(**_HOOKS, parse_int=_parse_int).decode


def _describe_error(text: str, name: str, error: ValueError) -> str:
    if other_format := describe_other_format(text):
        return f"{name} is {other_format}"
    if isinstance(error, UnicodeEncodeError):
        line = text.count("\n", 0, error.start) + 1
        return f"{name} is not UTF-8: line {line}, character {error.start - text.rfind(chr(10), 0, error.start)}"
    return f"{name} is not JSON: {describe_syntax_error(error)}"
