"""The query parameters of an endpoint: their values, or every error, in the order in which they are written.

What a lenient reader would take, but no client should write, is refused too: 1e1, TRUE, null.
"""

import re
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from msgspec import Struct, structs

from api.http.malformed_request import MalformedRequest
from commands.validation import (
    MAX_ERRORS,
    Check,
    FieldError,
    checks_in,
    describe,
    find_errors,
    quoted,
    unknown_name_words,
)

_DIGITS: Final = re.compile("[0-9]+")
_WHOLE_NUMBER: Final = re.compile("[0-9]+|-[1-9][0-9]*")
"""A negative one fits no parameter, but is a number that is too small."""
_MAX_DIGITS: Final = 20


class QueryParameters:
    """Those of one endpoint: the members of a type, which all have defaults."""

    def __init__(self, query_type: type[Struct]) -> None:
        self._query_type, self._default = query_type, query_type()
        self._types = {field.encode_name: field.type for field in structs.fields(query_type)}
        self._members = {field.encode_name: field.name for field in structs.fields(query_type)}
        self._kinds = {name: _kinds_in(kind) for name, kind in self._types.items()}
        self._checks = {name: _checks_of(kind) for name, kind in self._types.items()}

    def parse(self, request: Request[Any, Any, Any]) -> Struct:
        """Those of a request; raises MalformedRequest with all errors: of unknown or repeated ones, and of values."""
        if not request.scope["query_string"]:
            return self._default
        given = list(request.query_params.multi_items())
        if len({name for name, _ in given}) < len(given):
            raise _refusal(self.errors(request))
        try:
            values = {name: self._value(name, text) for name, text in given}
            return self._query_type(**{self._members[name]: value for name, value in values.items()})
        except ValueError as error:
            raise _refusal(self.errors(request)) from error

    def errors(self, request: Request[Any, Any, Any]) -> list[FieldError]:
        """Unknown, repeated and invalid parameters of a request."""
        texts = dict[str, list[str]]()
        for name, text in request.query_params.multi_items():
            texts.setdefault(name, []).append(text)
        written = [
            name for name, _ in parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        ]
        names = sorted(texts, key=lambda name: written.index(name) if name in written else len(written))
        found = (error for name in names for error in _errors_of(name, texts[name], self._types))
        return list(islice(found, MAX_ERRORS))

    def _value(self, name: str, text: str) -> Any:
        """The value of a parameter; raises ValueError."""
        kinds = self._kinds.get(name)
        if kinds is None or not _is_usual(text, kinds):
            raise ValueError(name)
        for check in self._checks[name]:
            check(text)
        return msgspec.convert(_value_of(text, kinds), self._types[name])


def _refusal(found: list[FieldError]) -> MalformedRequest:
    """The problem has the code of the first error."""
    if found[0].code == "unknown_parameter":
        return MalformedRequest("unknown_parameter", describe(found), errors=found)
    if found[0].code == "repeated_parameter":
        return MalformedRequest("repeated_parameter", describe(found), errors=found)
    return MalformedRequest("invalid_parameter", describe(found), errors=found)


def _errors_of(name: str, texts: list[str], types: dict[str, Any]) -> list[FieldError]:
    if name not in types:
        return [FieldError(f"?{quoted(name)[1:-1]}", "unknown_parameter", unknown_name_words(name, list(types)))]
    if len(texts) > 1:
        return [FieldError(f"?{name}", "repeated_parameter", "is repeated")]
    return find_errors(_value_of(texts[0], _kinds_in(types[name])), types[name], f"?{name}")


def _value_of(text: str, kinds: frozenset[Any]) -> Any:
    """The value that a text stands for; the text itself where it stands for none."""
    if int in kinds and _WHOLE_NUMBER.fullmatch(text):
        return int(text[: _MAX_DIGITS + 1])
    return text == "true" if bool in kinds and text in {"true", "false"} else text


def _is_usual(text: str, kinds: frozenset[Any]) -> bool:
    """Whether a text is written as clients should write a value of these kinds."""
    if str in kinds:
        return True
    if int in kinds:
        return bool(_DIGITS.fullmatch(text))
    return text in {"true", "false"} if bool in kinds else text.lower() != "null"


def _checks_of(annotation: Any) -> list[Check]:
    metas = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return [check for meta in metas for check in checks_in(meta, "check")]


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in {Union, UnionType}


def _kinds_in(annotation: Any) -> frozenset[Any]:
    """The plain types among which a parameter's value is."""
    if get_origin(annotation) is Annotated:
        return _kinds_in(get_args(annotation)[0])
    if _is_union(annotation):
        return frozenset().union(*map(_kinds_in, get_args(annotation))) - {NoneType}
    return frozenset({annotation})
