"""Lists the events, commands, routes and errors in the code, for the reference page."""

import inspect
from typing import Any

from msgspec import Struct

from api import app
from api.openapi import error_cases
from api.openapi.document import build_document
from api.openapi.error_cases import ErrorCase
from commands import command
from commands.command import Command
from domain import codec
from domain.event import Event


class Route(Struct, frozen=True, order=True):
    """One HTTP operation; `body_schema` is the name of the schema of its body."""

    path: str
    method: str
    body_schema: str
    summary: str


def events() -> dict[str, type[Event]]:
    """Every event by its stored name, in source order."""
    return dict(sorted(codec.all_event_types().items(), key=lambda found: _source_position(found[1])))


def commands() -> dict[str, type[Command[Any]]]:
    """Every command by its name, in source order."""
    return dict(sorted(command.all_commands().items(), key=lambda found: _source_position(found[1])))


def routes() -> list[Route]:
    """Every operation in the OpenAPI description, sorted by path and method."""
    paths: dict[str, Any] = build_document(app.all_endpoints())["paths"]
    return sorted(
        Route(address, method.upper(), _body_schema(operation), operation["summary"])
        for address, operations in paths.items()
        for method, operation in operations.items()
    )


def errors() -> list[ErrorCase]:
    """Every problem with our own code: refusals of domain rules, and errors of the HTTP layer."""
    return sorted(error_cases.all_error_cases(), key=lambda one: (one.code, one.status))


def _body_schema(operation: dict[str, Any]) -> str:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        return str(content["schema"].get("$ref", "bytes")).rpartition("/")[2]
    return ""


def _source_position(kind: type) -> tuple[str, int]:
    return kind.__module__, inspect.getsourcelines(kind)[1]
