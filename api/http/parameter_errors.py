"""Errors in query parameters: every one of a request, in the order in which its parameters are written.

What the framework would read, but no client should write, is refused too: 1e1, TRUE, null.
"""

import re
from collections.abc import Iterable
from functools import cache
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin
from urllib.parse import parse_qsl

from litestar import Request
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter
from msgspec import Meta

from api.http.command_mode import command_mode
from api.http.command_results import BatchResult, WriteResult
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
_MODE_TYPES: Final[dict[str, Any]] = {"dry_run": Literal["false", "true"], "on_conflict": Literal["rebase"]}


async def reject_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """Raise MalformedRequest for an unknown or repeated query parameter, with all errors of the others."""
    if not request.scope["query_string"]:
        return
    given = list(request.query_params.multi_items())
    kinds, checks = _kinds_by_name(request.route_handler), _checks_by_name(request.route_handler)
    is_valid = all(
        name in kinds and _is_usual(text, kinds[name]) and _passes(text, checks.get(name, ())) for name, text in given
    )
    if not is_valid or len({name for name, _ in given}) < len(given):
        raise _refusal(find_parameter_errors(request))
    if is_command_endpoint(request.route_handler):
        try:
            command_mode(request)
        except MalformedRequest as error:
            raise _refusal(find_parameter_errors(request)) from error


def find_parameter_errors(request: Request[Any, Any, Any]) -> list[FieldError]:
    """Unknown, repeated and invalid parameters of a request."""
    types = _parameter_types(request.route_handler)
    texts = dict[str, list[str]]()
    for name, text in request.query_params.multi_items():
        texts.setdefault(name, []).append(text)
    written = [name for name, _ in parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)]
    names = sorted(texts, key=lambda name: written.index(name) if name in written else len(written))
    errors = (error for name in names for error in _errors_of(name, texts[name], types))
    return list(islice(errors, MAX_ERRORS))


def is_command_endpoint(handler: BaseRouteHandler) -> bool:
    """Whether the endpoint executes commands of an authenticated caller, judged by its response type.

    Such an endpoint stores nothing before the command; a dry run ends there, so nothing after it runs.
    """
    answers = {field.annotation for field in handler.parsed_fn_signature.return_type.inner_types}
    return not handler.opt.get("public") and not answers.isdisjoint({WriteResult, BatchResult})


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


def _passes(text: str, checks: Iterable[Check]) -> bool:
    try:
        for check in checks:
            check(text)
    except ValueError:
        return False
    return True


@cache
def _checks_by_name(handler: BaseRouteHandler) -> dict[str, list[Check]]:
    return {
        name: [check for meta in get_args(annotation)[1:] for check in checks_in(meta, "check")]
        for name, annotation in _parameter_types(handler).items()
        if get_origin(annotation) is Annotated
    }


@cache
def _kinds_by_name(handler: BaseRouteHandler) -> dict[str, frozenset[Any]]:
    return {name: _kinds_in(annotation) for name, annotation in _parameter_types(handler).items()}


@cache
def _parameter_types(handler: BaseRouteHandler) -> dict[str, Any]:
    """The types of the endpoint's query parameters, by name, with their bounds."""
    own = {
        field.kwarg_definition.name or name: _bounded(field.annotation, field.kwarg_definition, field.metadata)
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    }
    return own | _MODE_TYPES if is_command_endpoint(handler) else own


def _bounded(annotation: Any, parameter: QueryParameter, metadata: Iterable[Any]) -> Any:
    ge, le = (None if bound is None else int(bound) for bound in (parameter.ge, parameter.le))
    checks = (one for one in metadata if isinstance(one, Meta))
    return Annotated[annotation, Meta(ge=ge, le=le), Meta(max_length=parameter.max_length), *checks]


def _kinds_in(annotation: Any) -> frozenset[Any]:
    """The plain types among which a parameter's value is."""
    if get_origin(annotation) is Annotated:
        return _kinds_in(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return frozenset().union(*map(_kinds_in, get_args(annotation))) - {NoneType}
    return frozenset({annotation})
