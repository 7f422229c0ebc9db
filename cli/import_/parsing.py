"""Parses JSON or JSON Lines without dropping duplicate names, and reports where a syntax error is."""

import json
from typing import Final

from msgspec import Struct

from infra.errors import OperatorError


class InvalidValue(Struct, frozen=True):
    """A placeholder for a value that could not be parsed."""

    reason: str


class DuplicateNames(dict[str, object]):
    """An object with a repeated name: a plain parser would silently drop the first value."""


class JsonLines(Struct, frozen=True):
    """A JSON Lines file: the number and value of each line that is not blank."""

    values: tuple[tuple[int, object], ...]


def parse_json(text: str, name: str) -> object:
    """The value of a JSON text, or its lines; raises OperatorError if it is neither."""
    try:
        return _decode_json(text)
    except ValueError as error:
        json_lines = _parse_json_lines(text)
        if json_lines is None:
            raise OperatorError(f"{name} is not JSON: {_error_location(error)}") from error
        return json_lines
    except RecursionError:
        raise OperatorError(f"{name} is nested too deeply") from None


def _parse_json_lines(text: str) -> JsonLines | None:
    """Splits at line feeds only: U+2028 and similar characters occur inside real titles."""
    lines = [(number, line.strip(" \t\r")) for number, line in enumerate(text.split("\n"), 1)]
    lines = [(number, line) for number, line in lines if line]
    if len(lines) == 1 or not (lines[0][1].startswith("{") and lines[0][1].endswith("}")):
        return None
    values = tuple((number, _parse_line(line)) for number, line in lines)
    return JsonLines(values) if any(isinstance(value, dict) for _, value in values) else None


def _parse_line(line: str) -> object:
    try:
        return _decode_json(line)
    except ValueError as error:
        return InvalidValue(f"not JSON: {_error_location(error)}")
    except RecursionError:
        return InvalidValue("nested too deeply")


def _build_object(members: list[tuple[str, object]]) -> dict[str, object]:
    members_by_name = dict(members)
    return members_by_name if len(members_by_name) == len(members) else DuplicateNames(members_by_name)


def _reject_constant(name: str) -> InvalidValue:
    return InvalidValue(f"{name} is not a JSON value")


_decode_json: Final = json.JSONDecoder(object_pairs_hook=_build_object, parse_constant=_reject_constant).decode


def _error_location(error: ValueError) -> str:
    if not isinstance(error, json.JSONDecodeError):
        return "a number with too many digits"
    return f"{error.msg} at line {error.lineno}, column {error.colno}"
