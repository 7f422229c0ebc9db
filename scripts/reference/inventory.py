"""What the code holds: the things that the page has a row or a section for."""

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
from scripts.unreachable_settings import UNREACHABLE_SETTINGS


class Route(Struct, frozen=True, order=True):
    """One operation of the HTTP floor; `body` is the Struct that its body is decoded into."""

    path: str
    method: str
    body_schema: str
    summary: str


def events() -> dict[str, type[Event]]:
    """Every event by its stored name, in the order of the code."""
    return dict(sorted(codec.all_event_types().items(), key=lambda found: _source_position(found[1])))


def commands() -> dict[str, type[Command[Any]]]:
    """Every command that can be carried out by its name, in the order of the code."""
    return dict(sorted(command.all_commands().items(), key=lambda found: _source_position(found[1])))


def routes() -> list[Route]:
    """Every operation that the OpenAPI description names."""
    paths: dict[str, Any] = build_document(app.create_litestar(UNREACHABLE_SETTINGS))["paths"]
    return sorted(
        Route(address, method.upper(), _body_schema(operation), operation["summary"])
        for address, operations in paths.items()
        for method, operation in operations.items()
    )


def errors() -> list[ErrorCase]:
    """Every problem with a code of ours: the refusals of the rules, and what the HTTP floor says by itself."""
    return sorted(error_cases.all_error_cases(), key=lambda one: (one.code, one.status))


def _body_schema(operation: dict[str, Any]) -> str:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        return str(content["schema"]["$ref"]).rpartition("/")[2]
    return ""


def _source_position(kind: type) -> tuple[str, int]:
    return kind.__module__, inspect.getsourcelines(kind)[1]
