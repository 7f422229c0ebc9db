"""Parameter objects: of the path, of the query, and the request headers that a handler's code reads."""

from collections.abc import Callable, Iterator
from typing import Any, Final, get_args
from uuid import UUID

import msgspec
from msgspec import Meta
from msgspec.structs import FieldInfo

from api.http import byte_range, content_disposition, idempotency, preconditions, prefer, tracing
from api.http.accept_language import preferred_language
from api.http.addressing import ID_OR_PROJECT_KEY_SCHEMA, ID_OR_TASK_KEY_SCHEMA
from api.http.command_mode import CommandMode
from api.http.conditional_response import etag_matches
from api.ledger import Ledger
from api.openapi import examples
from api.openapi.operation import Operation
from api.openapi.schemas import Schema, strip_annotated, union_members
from api.path_names import names_in

REQUEST_HEADERS: Final[dict[str, Schema]] = {
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "description": "The version you last read, as the `ETag` gave it: 412 if it is not the current one. `*` is any "
        "version, as long as there is one.",
        "schema": {"type": "string", "pattern": r'^("[0-9]{1,15}(-[0-9a-f]+)?"|[0-9]{1,15}(-[0-9a-f]+)?|\*)$'},
        "example": '"3"',
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Your own key for this request. A retry with the same key and body changes nothing more and "
        "gets the same answer.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~][ -~]*$"},
        "example": "saturday-1",
    },
    "Taskledger-Session": {
        "name": "Taskledger-Session",
        "in": "header",
        "description": "A UUID of your own: all commands with it are one session, which is seen and taken back as one.",
        "schema": {"type": "string", "format": "uuid"},
        "example": "0199f2a0-6b1c-7d35-8a52-2f4f3d8c9b10",
    },
    "Content-Disposition": {
        "name": "Content-Disposition",
        "in": "header",
        "required": True,
        "description": "The name of the file, as `filename` or `filename*` (RFC 6266).",
        "schema": {"type": "string"},
        "example": 'attachment; filename="plan.pdf"',
    },
    "Range": {
        "name": "Range",
        "in": "header",
        "description": "The part of the file to send, such as all bytes from the 1,000th on: `bytes=1000-`.",
        "schema": {"type": "string"},
        "example": "bytes=1000-",
    },
    "If-Range": {
        "name": "If-Range",
        "in": "header",
        "description": "The `ETag` of the part that you have: the whole file is sent if it is another file by now.",
        "schema": {"type": "string"},
        "example": f'"{"0f" * 32}"',
    },
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of your copy. Answered with 304 and no body if it is still current.",
        "schema": {"type": "string"},
        "example": '"3-9f2c41d07be3"',
    },
    "Accept-Language": {
        "name": "Accept-Language",
        "in": "header",
        "description": "The languages that you read: of `en` and `ru` the better one is taken (RFC 9110).",
        "schema": {"type": "string"},
        "example": "ru, en;q=0.5",
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=<seconds>`: how long to wait for a position; 2 by default, at most 10 (RFC 7240).",
        "schema": {"type": "string"},
        "example": "wait=5",
    },
    "traceparent": {
        "name": "traceparent",
        "in": "header",
        "description": "The trace that this request belongs to (W3C Trace Context); a new one begins without it.",
        "schema": {"type": "string"},
        "example": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    },
}
HEADER_READERS: Final[dict[str, Callable[..., Any]]] = {
    "If-Match": preconditions.with_expected_version,
    "Idempotency-Key": idempotency.idempotency_key,
    "Taskledger-Session": tracing.command_trace,
    "Content-Disposition": content_disposition.sent_file_name,
    "Range": byte_range.requested_range,
    "If-Range": byte_range.requested_range,
    "If-None-Match": etag_matches,
    "Accept-Language": preferred_language,
    "Prefer": prefer.preferred_wait_s,
}
"""The function that reads each header: a handler that reaches it takes the header."""
_ID_SCHEMA: Final[Schema] = {"type": "string", "format": "uuid"}


def parameter_components() -> dict[str, Schema]:
    """The parameters that operations share: headers, and the mode of a command."""
    dry_run, on_conflict = map(_query_parameter, msgspec.structs.fields(CommandMode))
    dry_run |= {"schema": {"type": "boolean"}, "example": True}
    return {**REQUEST_HEADERS, "dry_run": dry_run, "on_conflict": on_conflict}


def parameters_of(operation: Operation) -> Iterator[Schema]:
    """All parameters of an operation."""
    yield from (_path_parameter(operation, name) for name in names_in(operation.path))
    yield from map(_query_parameter, msgspec.structs.fields(operation.endpoint.query_type))
    if operation.endpoint.takes_commands:
        yield from ({"$ref": f"#/components/parameters/{name}"} for name in CommandMode.__struct_fields__)
    for name in REQUEST_HEADERS:
        if name not in HEADER_READERS or HEADER_READERS[name] in operation.reachable_functions:
            yield {"$ref": f"#/components/parameters/{name}"}


def _path_parameter(operation: Operation, name: str) -> Schema:
    schema, text, example = _describe_path_parameter(operation, name)
    return {"name": name, "in": "path", "required": True, "description": text, "schema": schema, "example": example}


def _describe_path_parameter(operation: Operation, name: str) -> tuple[Schema, str, Any]:
    """An id, or a key as well, if that is what its resolver finds; a text, if its type is described; else a text."""
    resolver, kind = operation.endpoint.resolvers.get(name), operation.endpoint.path_types[name]
    if resolver is Ledger.resolve_task_id:
        text = f"The id of the {name}, or its human key, such as KIT-12, in any case."
        return ID_OR_TASK_KEY_SCHEMA, text, examples.example_id(name)
    if kind is UUID and resolver is not Ledger.resolve_project_id:
        return _ID_SCHEMA, f"The id of the {name}.", examples.example_id(name)
    if kind in {UUID, UUID | str}:
        text = f"The id of the {name}, or its key, such as KIT, in any case."
        return ID_OR_PROJECT_KEY_SCHEMA, text, examples.example_id(name)
    text = msgspec.json.schema(kind).get("description", f"The {name}.")
    return {"type": "string", "minLength": 1}, text, examples.example_of(kind, name)


def _query_parameter(field: FieldInfo) -> Schema:
    described = msgspec.json.schema(field.type)
    schema = msgspec.json.schema(next(union_members(field.type)))
    schema = {key: value for key, value in schema.items() if key not in {"description", "examples"}}
    if field.default is not None:
        schema["default"] = field.default
    example = examples.example_of(strip_annotated(field.type), field.encode_name)
    found = {"name": field.encode_name, "in": "query", "description": described["description"]}
    required = {"required": True} if _is_required(field) else {}
    return {**found, **required, "schema": schema, "example": example}


def _is_required(field: FieldInfo) -> bool:
    """Whether a request without it is refused, which its type says: all members have defaults."""
    return any((meta.extra or {}).get("is_required") for meta in get_args(field.type) if isinstance(meta, Meta))
