"""Answers: what an operation can say, by status: with which body and headers."""

import inspect
from http import HTTPStatus
from typing import Any, get_origin

from msgspec import Struct

from api.http import preconditions
from api.openapi import examples, headers, problem_schemas
from api.openapi.operation import Operation
from api.openapi.schemas import Schema


def of(one: Operation, schemas: dict[Any, Schema]) -> dict[str, Schema]:
    """Every answer, those that say yes first."""
    yes = {str(status): _yes(one, status, schemas) for status in one.answers}
    if preconditions.conditional_response in one.functions:
        said = {name: header for name, header in headers.of(one, one.handler.status_code).items() if name != "Link"}
        yes["304"] = {"description": "You have it already, as `If-None-Match` says.", "headers": said}
    return yes | {status: problem_schemas.answer(nos) for status, nos in problem_schemas.of(one).items()}


def _yes(one: Operation, status: int, schemas: dict[Any, Schema]) -> Schema:
    kinds, spec = one.answers[status], (one.handler.responses or {}).get(status)
    text = spec.description if spec and status != one.handler.status_code else _sentences(kinds, status)
    said = {"description": text, "headers": headers.of(one, status)}
    if not kinds:
        return said
    media = str(getattr(one.handler.media_type, "value", one.handler.media_type) or "application/json")
    if kinds[0] in {bytes, str}:
        return {**said, "content": {media: {"schema": {"type": "string"}}}}
    found = [schemas[kind] for kind in kinds]
    schema = found[0] if len(found) == 1 else {"anyOf": found}
    return {**said, "content": {media: {"schema": schema, **_example(one, status)}}}


def _example(one: Operation, status: int) -> Schema:
    found = examples.of(one.answers[status][0], noun=one.noun)
    if found is examples.NOTHING:
        return {}
    if status == HTTPStatus.CREATED and "version" in found:
        found = {**found, "version": 1}
    return {"example": found}


def _sentences(kinds: list[Any], status: int) -> str:
    """What the types say that they are."""
    origins = [get_origin(kind) or kind for kind in kinds]
    said = [inspect.cleandoc(one.__doc__).splitlines()[0] for one in origins if _is_told(one)]
    return " ".join(said) or HTTPStatus(status).phrase


def _is_told(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct) and bool(kind.__doc__)
