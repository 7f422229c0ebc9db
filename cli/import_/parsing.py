"""Parsing: JSON, or JSON Lines, with nothing lost on the way and the place of what is wrong."""

import json
from typing import Final

from msgspec import Struct

from infra.errors import OperatorError


class Broken(Struct, frozen=True):
    """What stands where a value should."""

    reason: str


class Repeated(dict[str, object]):
    """An object in which a name stands twice: a parser would drop the first value without a word."""


class Lines(Struct, frozen=True):
    """JSON Lines: the number and value of each line that is not blank."""

    values: tuple[tuple[int, object], ...]


def parse(text: str, name: str) -> object:
    """The value of a JSON text, or its Lines; raises OperatorError where it is neither."""
    try:
        return _loads(text)
    except ValueError as error:
        lines = _lines(text)
        if lines is None:
            raise OperatorError(f"{name} is not JSON: {_where(error)}") from error
        return lines
    except RecursionError:
        raise OperatorError(f"{name} is nested too deeply") from None


def _lines(text: str) -> Lines | None:
    """Split at the line feed only: U+2028 and its like stand inside real titles."""
    lines = [(number, line.strip(" \t\r")) for number, line in enumerate(text.split("\n"), 1)]
    lines = [(number, line) for number, line in lines if line]
    if len(lines) == 1 or not (lines[0][1].startswith("{") and lines[0][1].endswith("}")):
        return None
    values = tuple((number, _line(line)) for number, line in lines)
    return Lines(values) if any(isinstance(value, dict) for _, value in values) else None


def _line(line: str) -> object:
    try:
        return _loads(line)
    except ValueError as error:
        return Broken(f"not JSON: {_where(error)}")
    except RecursionError:
        return Broken("nested too deeply")


def _object(members: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    return found if len(found) == len(members) else Repeated(found)


def _constant(name: str) -> Broken:
    return Broken(f"{name} is no JSON value")


_loads: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant).decode


def _where(error: ValueError) -> str:
    if not isinstance(error, json.JSONDecodeError):
        return "a number of more digits than anybody counts"
    return f"{error.msg} at line {error.lineno}, column {error.colno}"
