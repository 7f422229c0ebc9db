"""Whole numbers: JSON of any form, in which 3.0 and 3e0 are the integer 3, as JSON Schema counts them."""

import json
from decimal import Decimal
from typing import Any, Final

import msgspec

MAX_MAGNITUDE: Final = 2**63
_MAX_INTEGER_DIGITS: Final = 20
"""Python refuses to convert very long integers; one that is longer than this fits no field."""


def decode_json(body: bytes) -> Any:
    """Any JSON; raises what msgspec and json raise for what is none."""
    try:
        return _decode(body)
    except msgspec.ValidationError:  # a number that is out of range
        return json.loads(body, parse_int=_parse_integer, parse_float=_parse_number)


def with_whole_numbers(value: Any) -> Any:
    """Decoded JSON, with integers for the floats that are whole."""
    match value:
        case dict():
            return {name: with_whole_numbers(member) for name, member in value.items()}
        case list():
            return [with_whole_numbers(item) for item in value]
        case float() if abs(value) < MAX_MAGNITUDE and value.is_integer():
            return int(value)
    return value


def _parse_number(literal: str) -> float:
    number = float(literal)
    if abs(number) >= MAX_MAGNITUDE or not number.is_integer():
        return number
    exact = Decimal(literal)  # a float has fewer digits
    return int(exact) if exact == exact.to_integral_value() else number


def _parse_integer(digits: str) -> float:
    return int(digits) if len(digits) <= _MAX_INTEGER_DIGITS else float(digits)


_decode = msgspec.json.Decoder(float_hook=_parse_number).decode
