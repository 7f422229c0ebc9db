"""A comparison as it is written in a filter, and how a field reads it."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from domain.filter.terms import FieldPredicate, Operator
from domain.filter.tokens import Token, read_token


class Comparison(Struct, frozen=True):
    """A field, an operator and a value, as written in the filter; `word` is the value if it can be one of ours."""

    name: str
    operator: Operator
    value: str
    quoted: bool

    @property
    def field(self) -> str:
        """The name of the field, in any case."""
        return self.name.lower()

    @property
    def word(self) -> Any:
        return self.value.lower()


def _read_value(text: str, offset: int) -> Token:
    return read_token(text, offset, is_value=True)


class FilterField(Struct, frozen=True):
    """How a field parses its value, and descriptions of the values that it accepts.

    `parse_value` raises ValueError or OverflowError for any other value. `read_value` reads the token of the value at
    an offset of a text.
    """

    parse_value: Callable[[Comparison], FieldPredicate]
    expected_values: tuple[str, ...]
    read_value: Callable[[str, int], Token] = _read_value
