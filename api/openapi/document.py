"""The OpenAPI 3.1 document: every operation, and shared components."""

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final

from api.http.endpoint import Endpoint
from api.ledger import BASE_PATH
from api.openapi import error_cases, operation_errors, parameters, problem_schemas, response_headers, schemas
from api.openapi.error_cases import ErrorCase
from api.openapi.named_enums import with_named_enums
from api.openapi.operation import Operation, documented_operations
from api.openapi.operation_object import operation_object
from api.openapi.schemas import Schema

METHOD_ORDER: Final = ("get", "post", "put", "patch", "delete")
API_DESCRIPTION = """A task backend that never loses an edit and never forgets.

Every change is a command, and its result is stored as events for ever. A command that overwrites data names the version
you last read; if that is not the current one, the answer lists what happened since (409, 412). `Idempotency-Key` makes
it safe to retry a command. Any query can wait for the `position` that a command returned, with `min_position`.

Every error is an `application/problem+json` document with a stable `code`; `/problems` lists them all. Every event that
the log can hold has a JSON Schema, at `/schemas/events`."""
BEARER_SECURITY_SCHEME: Final[Schema] = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The `access_token` returned by `POST /api/v1/auth/login`, or a personal token (`tlp_...`).",
}


def build_document(endpoints: Iterable[Endpoint]) -> Schema:
    """The complete document."""
    operations = sorted(documented_operations(endpoints), key=lambda one: (one.path, METHOD_ORDER.index(one.method)))
    request_types = [kind for one in operations for kind in one.request_types()]
    response_types = [kind for one in operations for kind in one.encoded_types()]
    schema_by_type, component_schemas = schemas.schema_components(
        request_types, [*response_types, problem_schemas.Problem, problem_schemas.Conflict]
    )
    shared_responses = dict[str, Schema]()
    paths = dict[str, dict[str, Schema]]()
    for one in operations:
        paths.setdefault(one.path, {})[one.method] = _with_shared_responses(
            one, operations, schema_by_type, shared_responses
        )
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Taskledger",
            "version": "1",
            "description": API_DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": list(_tags(operations)),
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": BEARER_SECURITY_SCHEME},
            "parameters": parameters.parameter_components(),
            "headers": response_headers.HEADER_COMPONENTS,
            "responses": dict(sorted(shared_responses.items())),
            "links": dict(_links(operations)),
            "examples": dict(_problem_examples(operations)),
            "schemas": component_schemas,
        },
    }
    return with_named_enums(document)


def _with_shared_responses(
    operation: Operation,
    operations: Iterable[Operation],
    schema_by_type: dict[Any, Schema],
    shared_responses: dict[str, Schema],
) -> Schema:
    """An operation object; a response with a single problem is moved to the shared ones."""
    operation_json = operation_object(operation, schema_by_type)
    for status, cases in operation_errors.error_cases_of(operation).items():
        if len(cases) == 1:
            name = _shared_response_name(cases[0])
            shared_responses[name] = operation_json["responses"][status]
            operation_json["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    if links := {name: {"$ref": f"#/components/links/{name}"} for name in _linked_operations(operation, operations)}:
        operation_json["responses"]["201"]["links"] = links
    return operation_json


def _shared_response_name(error_case: ErrorCase) -> str:
    """Derived from its code; a code with two statuses has the higher one appended."""
    lowest_status = min(
        each.status for each in (*error_cases.all_error_cases(), error_case) if each.code == error_case.code
    )
    name = "".join(word.title() for word in error_case.code.split("_"))
    return name if error_case.status == lowest_status else f"{name}{error_case.status}"


def _tags(operations: Iterable[Operation]) -> Iterator[Schema]:
    """The tags, described by their modules' docstrings; those outside the base path last."""
    operation_by_tag = {one.tag: one for one in operations}
    for name in sorted(
        operation_by_tag, key=lambda name: (not operation_by_tag[name].path.startswith(BASE_PATH), name)
    ):
        yield {"name": name, "description": operation_by_tag[name].module_summary}


def _linked_operations(operation: Operation, operations: Iterable[Operation]) -> Iterator[str]:
    """The operations that take the id of what this one creates."""
    if (
        operation.endpoint.status_code == HTTPStatus.CREATED
        and operation.subject_noun
        and any(kind.creates for kind in operation.command_types)
    ):
        yield from (
            other.name for other in operations if re.findall(r"{(\w+)}", other.path) == [operation.subject_noun]
        )


def _links(operations: list[Operation]) -> Iterator[tuple[str, Schema]]:
    """The links to operations that take the id of what was just created, by name."""
    linked_names = {name for one in operations for name in _linked_operations(one, operations)}
    for one in sorted(operations, key=lambda one: one.name):
        if one.name in linked_names:
            noun = one.path.partition("{")[2].partition("}")[0]
            needs_version = any(kind.requires_version for kind in one.command_types)
            if_match = {"header.If-Match": "$response.header.ETag"} if needs_version else {}
            yield one.name, {"operationId": one.name, "parameters": {f"path.{noun}": "$response.body#/id", **if_match}}


def _problem_examples(operations: Iterable[Operation]) -> Iterator[tuple[str, Schema]]:
    """An example of every problem that some operation can answer with."""
    cases = {
        each
        for one in operations
        for same_status in operation_errors.error_cases_of(one).values()
        for each in same_status
    }
    yield from ((problem_schemas.example_name(each), problem_schemas.example_object(each)) for each in sorted(cases))
