"""Parameters: of the path, of the query, and the request headers that a handler's code asks for."""

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from litestar.params import KwargDefinition, PathParameter, QueryParameter
from litestar.types import Empty

from api.http import preconditions
from api.http.addressing import parse_id
from api.http.command_mode import MODE_DESCRIPTIONS, MODE_PARAMETERS
from api.ledger import Ledger
from api.openapi import call_graph, examples
from api.openapi.call_graph import Code
from api.openapi.operation import Operation
from api.openapi.schemas import Schema, options

COMPONENTS: Final[dict[str, Schema]] = {
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "description": "The version that you saw, as `ETag` gave it. If it is not the present one: 412.",
        "schema": {"type": "string", "pattern": r'^("[0-9]{1,15}(-[0-9a-f]+)?"|[0-9]{1,15}(-[0-9a-f]+)?)$'},
        "example": '"3"',
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Your own name for this request. Sent again with the same key and body, it happens once, and is "
        "answered as the first time.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~][ -~]*$"},
        "example": "saturday-1",
    },
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of what you have: 304 without a body where it is still right.",
        "schema": {"type": "string"},
        "example": '"3-9f2c41d07be3"',
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=<seconds>`, up to 10, instead of 2: how long to wait for a position (RFC 7240).",
        "schema": {"type": "string"},
        "example": "wait=5",
    },
    "traceparent": {
        "name": "traceparent",
        "in": "header",
        "description": "The trace that this request belongs to (W3C Trace Context); else one begins here.",
        "schema": {"type": "string"},
        "example": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    },
} | {
    name: {
        "name": name,
        "in": "query",
        "description": MODE_DESCRIPTIONS[name],
        "schema": {"type": "boolean"} if "true" in values else {"type": "string", "enum": list(values)},
        "example": True if "true" in values else values[0],
    }
    for name, values in MODE_PARAMETERS.items()
}
ASKED_BY: Final[dict[str, Callable[..., Any]]] = {
    "If-Match": preconditions.with_expected_version,
    "Idempotency-Key": preconditions.idempotency_key,
    "If-None-Match": preconditions.conditional_response,
    "Prefer": preconditions.preferred_wait_s,
}
"""The function that reads each header: a handler that comes to it takes the header."""
KEY_OR_ID: Final[Schema] = {
    "anyOf": [
        {"type": "string", "format": "uuid"},
        {"type": "string", "pattern": "^[A-Z][A-Z0-9]{1,9}-[1-9][0-9]{0,8}$"},
    ]
}
_NAME = re.compile(r"{(\w+)(?::\w+)?}")


def of(one: Operation) -> Iterator[Schema]:
    """All parameters of an operation."""
    for name in _NAME.findall(one.path):
        yield _in_path(one, name, one.parameters[name].annotation, one.parameters[name].kwarg_definition)
    for name, field in one.parameters.items():
        if isinstance(field.kwarg_definition, QueryParameter):
            yield _in_query(name, field.annotation, field.kwarg_definition, field.default)
    if one.can_be_tried:
        yield from ({"$ref": f"#/components/parameters/{name}"} for name in MODE_PARAMETERS)
    for name in (name for name in COMPONENTS if name not in MODE_PARAMETERS):
        if name not in ASKED_BY or ASKED_BY[name] in one.functions:
            yield {"$ref": f"#/components/parameters/{name}"}


def _in_path(one: Operation, name: str, annotation: Any, said: Any) -> Schema:
    schema, text, example = _place(one, name)
    if annotation is not str:
        schema, example = msgspec.json.schema(annotation), examples.of(annotation, name)
    if isinstance(said, PathParameter):
        text = said.description or text
        example = said.examples[0].value if said.examples else example
    return {"name": name, "in": "path", "required": True, "description": text, "schema": schema, "example": example}


def _place(one: Operation, name: str) -> tuple[Schema, str, Any]:
    """A thing by id where the handler reads it as one, by id or human key where it finds a task so, else by name."""
    for call in call_graph.calls(Code(one.handler.fn)):
        if any(isinstance(argument, ast.Name) and argument.id == name for argument in call.arguments):
            if call.of is parse_id:
                return {"type": "string", "format": "uuid"}, f"The id of the {name}.", examples.id_of(name)
            if call.of is Ledger.resolve_task_id:
                return KEY_OR_ID, f"The id of the {name}, or its human key, such as KIT-12.", examples.id_of(name)
    return {"type": "string", "minLength": 1}, f"The {name}.", examples.of(str, name)


def _in_query(name: str, annotation: Any, said: KwargDefinition, default: Any) -> Schema:
    schema = msgspec.json.schema(next(options(annotation)))
    bounds = {
        "minimum": said.ge,
        "maximum": said.le,
        "minLength": said.min_length,
        "maxLength": said.max_length,
        "pattern": said.pattern,
        "format": said.format,
    }
    schema |= {key: value for key, value in bounds.items() if value is not None}
    if default is not None and default is not Empty:
        schema["default"] = msgspec.to_builtins(default)
    needed = {"required": True} if default is Empty else {}
    told = {"description": said.description} if said.description else {}
    example = examples.of(annotation, name)
    return {"name": name, "in": "query", **needed, **told, "schema": schema, "example": example}
