"""What the code holds: the things that the page has a row or a section for."""

import ast
import inspect
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from msgspec import Struct

import api
from api import app, problems
from commands import command
from commands.command import Command
from domain import codec
from domain.errors import Refusal
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


class Kept(Struct, frozen=True, order=True):
    """One way of saying no."""

    code: str
    status: int
    title: str


class Route(Struct, frozen=True, order=True):
    """One operation of the HTTP floor; `body` is the Struct that its body is decoded into."""

    address: str
    method: str
    body: str
    sentence: str


def events() -> dict[str, type[Event]]:
    """Every event by its stored name, in the order of the code."""
    return dict(sorted(codec.known().items(), key=lambda found: _place(found[1])))


def commands() -> dict[str, type[Command[Any]]]:
    """Every command that can be carried out by its name, in the order of the code."""
    return dict(sorted(command.every().items(), key=lambda found: _place(found[1])))


def routes() -> list[Route]:
    """Every operation that the OpenAPI description names."""
    paths: dict[str, Any] = app.litestar(NOWHERE).openapi_schema.to_schema()["paths"]
    return sorted(
        Route(address, method.upper(), _body(operation), operation.get("description", operation["summary"]))
        for address, operations in paths.items()
        for method, operation in operations.items()
        if method in {"get", "post", "put", "patch", "delete"}
    )


def errors() -> list[Kept]:
    """Every problem with a code of ours: the refusals of the rules, and what the HTTP floor says by itself."""
    return sorted({*_refusals(), *_problems(), *_malformed()})


def _refusals() -> Iterator[Kept]:
    for kind in _below(Refusal):
        status = next((problems.STATUS[base] for base in kind.__mro__ if base in problems.STATUS), 422)
        yield Kept(kind.code(), status, kind.title())


def _problems() -> Iterator[Kept]:
    """The calls of `problem` with status, code and title; the title may be a variable of the function."""
    for function in ast.parse(inspect.getsource(problems)).body:
        texts = {
            node.targets[0].id: node.value.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        for call in _calls(function, "problem"):
            match [texts.get(arg.id) if isinstance(arg, ast.Name) else _constant(arg) for arg in call.args]:
                case [_, int(status), str(code), str(title)]:
                    yield Kept(code, status, title)


def _malformed() -> Iterator[Kept]:
    for module in Path(api.__path__[0]).glob("*.py"):
        for call in _calls(ast.parse(module.read_text()), "Malformed"):
            named = {keyword.arg: _constant(keyword.value) for keyword in call.keywords}
            status = HTTPStatus(named.get("status", HTTPStatus.BAD_REQUEST))
            yield Kept(str(_constant(call.args[0])), status.value, status.phrase)


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def _constant(node: ast.expr) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _body(operation: dict[str, Any]) -> str:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        return str(content["schema"]["$ref"]).rpartition("/")[2]
    return ""


def _below(kind: type[Any]) -> list[type[Any]]:
    return [found for direct in kind.__subclasses__() for found in (direct, *_below(direct))]


def _place(kind: type) -> tuple[str, int]:
    return kind.__module__, inspect.getsourcelines(kind)[1]
