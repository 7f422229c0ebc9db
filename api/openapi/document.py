"""The document: every operation of an application, and what they share, as OpenAPI 3.1."""

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final

from litestar import Litestar

from api.ledger import BASE_PATH
from api.openapi import error_cases, headers, parameters, problem_schemas, schemas
from api.openapi.description import described
from api.openapi.error_cases import No
from api.openapi.operation import Operation, operations
from api.openapi.schemas import Schema

METHODS: Final = ("get", "post", "put", "patch", "delete")
ABOUT = """A task backend that never loses an edit and never forgets.

A change is a command; what it did is an event, for ever. A command that overwrites names the version that it was made
on, and is told what happened since if that is not the present one (409, 412). `Idempotency-Key` makes it safe to send
a command again. What a command answers as `position` can be waited for by any query, as `min_position`.

Every error is an `application/problem+json` document with a stable `code`; `/problems` has them all. Every event that
can stand in the log has a JSON Schema, at `/schemas/events`."""
BEARER: Final[Schema] = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The `access_token` that `POST /api/v1/auth/login` answers, or a personal token (`tlp_...`).",
}


def document(app: Litestar) -> Schema:
    """All of it."""
    found = sorted(operations(app), key=lambda one: (one.path, METHODS.index(one.method)))
    kinds = [kind for one in found for kind in one.kinds()]
    of_kind, named = schemas.components([*kinds, problem_schemas.Problem, problem_schemas.Conflict])
    shared = dict[str, Schema]()
    paths = dict[str, dict[str, Schema]]()
    for one in found:
        paths.setdefault(one.path, {})[one.method] = _told(one, found, of_kind, shared)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Taskledger",
            "version": "1",
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": list(_tags(found)),
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": BEARER},
            "parameters": parameters.COMPONENTS,
            "headers": headers.HEADERS,
            "responses": dict(sorted(shared.items())),
            "links": dict(_links(found)),
            "examples": dict(_examples(found)),
            "schemas": named,
        },
    }


def _told(one: Operation, all_: Iterable[Operation], of_kind: dict[Any, Schema], shared: dict[str, Schema]) -> Schema:
    """An operation; an answer with one problem only stands among those that operations share."""
    told = described(one, of_kind)
    for status, nos in problem_schemas.of(one).items():
        if len(nos) == 1:
            name = _shared_name(nos[0])
            shared[name] = told["responses"][status]
            told["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    if then := {name: {"$ref": f"#/components/links/{name}"} for name in _then(one, all_)}:
        told["responses"]["201"]["links"] = then
    return told


def _shared_name(one: No) -> str:
    """After its code; a code with two statuses has the second behind it."""
    usual = min(each.status for each in (*error_cases.every(), one) if each.code == one.code)
    name = "".join(word.title() for word in one.code.split("_"))
    return name if one.status == usual else f"{name}{one.status}"


def _tags(found: Iterable[Operation]) -> Iterator[Schema]:
    """The nouns, with what their modules say they are; those at the root last."""
    said = {one.tag: one for one in found}
    for name in sorted(said, key=lambda name: (not said[name].path.startswith(BASE_PATH), name)):
        yield {"name": name, "description": said[name].module}


def _then(one: Operation, all_: Iterable[Operation]) -> Iterator[str]:
    """What can be done with what it creates."""
    if one.handler.status_code == HTTPStatus.CREATED and one.noun and any(kind.creates for kind in one.commands):
        yield from (other.name for other in all_ if re.findall(r"{(\w+)}", other.path) == [one.noun])


def _links(found: list[Operation]) -> Iterator[tuple[str, Schema]]:
    """How an operation is asked for that takes the id of what was just created, by its name."""
    wanted = {name for one in found for name in _then(one, found)}
    for one in sorted(found, key=lambda one: one.name):
        if one.name in wanted:
            noun = one.path.partition("{")[2].partition("}")[0]
            version = any(kind.requires_version for kind in one.commands)
            seen = {"header.If-Match": "$response.header.ETag"} if version else {}
            yield one.name, {"operationId": one.name, "parameters": {f"path.{noun}": "$response.body#/id", **seen}}


def _examples(found: Iterable[Operation]) -> Iterator[tuple[str, Schema]]:
    """Every problem that some operation can answer with."""
    said = {each for one in found for nos in problem_schemas.of(one).values() for each in nos}
    yield from ((problem_schemas.example_name(each), problem_schemas.example(each)) for each in sorted(said))
