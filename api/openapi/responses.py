"""Response objects of an operation, by status, with their bodies and headers."""

import inspect
from http import HTTPStatus
from typing import Any, get_origin

from msgspec import Struct

from api.http.conditional_response import conditional_response
from api.openapi import examples, operation_errors, problem_schemas, response_headers
from api.openapi.operation import Operation
from api.openapi.schemas import BINARY, Schema
from domain.planned_event import PlannedEvent


def responses_of(operation: Operation, schemas: dict[Any, Schema]) -> dict[str, Schema]:
    """Every response, successful ones first."""
    responses = {str(status): _success_response(operation, status, schemas) for status in operation.response_types}
    if conditional_response in operation.reachable_functions:
        not_modified_headers = {
            name: header
            for name, header in response_headers.headers_of(operation, operation.endpoint.status_code).items()
            if name != "Link"
        }
        responses["304"] = {
            "description": "Your copy is still current, as named in `If-None-Match`.",
            "headers": not_modified_headers,
        }
    return responses | {
        status: problem_schemas.response_object(cases, response_headers.general_headers(operation))
        for status, cases in operation_errors.error_cases_of(operation).items()
    }


def _success_response(operation: Operation, status: int, schemas: dict[Any, Schema]) -> Schema:
    kinds, spec = operation.response_types[status], operation.endpoint.responses.get(status)
    text = spec.description if spec and status != operation.endpoint.status_code else _describe_types(kinds, status)
    text = "What the command would do, if this is a dry run." if operation.is_dry_run_status(status) else text
    response = {"description": text, "headers": response_headers.headers_of(operation, status)}
    if not any(kinds):
        return response
    media, others = operation.endpoint.media_type, operation.endpoint.other_media_types
    if kinds[0] in {bytes, str}:
        text_schema = {"type": "string", **({"format": "binary"} if media == BINARY else {})}
        return {**response, "content": {each: {"schema": text_schema} for each in (media, *others)}}
    schemas_of_types = [schemas[kind] for kind in kinds]
    schema = schemas_of_types[0] if len(schemas_of_types) == 1 else {"anyOf": schemas_of_types}
    return {**response, "content": {media: {"schema": schema, **_example_member(operation, status)}}}


def _example_member(operation: Operation, status: int) -> Schema:
    example = examples.example_of(operation.response_types[status][0], noun=operation.subject_noun)
    if example is examples.NO_EXAMPLE:
        return {}
    is_dry_run = operation.is_dry_run_status(status)
    if (status == HTTPStatus.CREATED or is_dry_run) and "version" in example:
        example = {**example, "version": 1}
    if is_dry_run:
        example = {**example, "events": [examples.example_of(PlannedEvent)]}
    return {"example": example}


def _describe_types(kinds: list[Any], status: int) -> str:
    """The first lines of the types' docstrings, or the phrase of the status."""
    origins = [get_origin(kind) or kind for kind in kinds]
    sentences = [inspect.cleandoc(one.__doc__).splitlines()[0] for one in origins if _has_docstring(one)]
    return " ".join(sentences) or HTTPStatus(status).phrase


def _has_docstring(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct) and bool(kind.__doc__)
