"""What the code holds: the things that the page has a row or a section for."""

import inspect
from typing import Any

from msgspec import Struct

from api import app
from api.openapi import error_cases
from api.openapi.document import document
from api.openapi.error_cases import No
from commands import command
from commands.command import Command
from domain import codec
from domain.event import Event
from infra.settings import Settings

NOWHERE = Settings(
    database_url="postgresql://nowhere",
    migration_url="postgresql://nowhere",
    redis_url="redis://nowhere",
    broker_url="redis://nowhere",
    jwt_key="x" * 32,
)
"""Enough to build an application that is asked for its description and never opened."""


class Route(Struct, frozen=True, order=True):
    """One operation of the HTTP floor; `body` is the Struct that its body is decoded into."""

    address: str
    method: str
    body: str
    sentence: str


def events() -> dict[str, type[Event]]:
    """Every event by its stored name, in the order of the code."""
    return dict(sorted(codec.all_event_types().items(), key=lambda found: _place(found[1])))


def commands() -> dict[str, type[Command[Any]]]:
    """Every command that can be carried out by its name, in the order of the code."""
    return dict(sorted(command.all_commands().items(), key=lambda found: _place(found[1])))


def routes() -> list[Route]:
    """Every operation that the OpenAPI description names."""
    paths: dict[str, Any] = document(app.create_litestar(NOWHERE))["paths"]
    return sorted(
        Route(address, method.upper(), _body(operation), operation["summary"])
        for address, operations in paths.items()
        for method, operation in operations.items()
    )


def errors() -> list[No]:
    """Every problem with a code of ours: the refusals of the rules, and what the HTTP floor says by itself."""
    return sorted(error_cases.every(), key=lambda one: (one.code, one.status))


def _body(operation: dict[str, Any]) -> str:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        return str(content["schema"]["$ref"]).rpartition("/")[2]
    return ""


def _place(kind: type) -> tuple[str, int]:
    return kind.__module__, inspect.getsourcelines(kind)[1]
