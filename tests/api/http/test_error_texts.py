"""The titles and details of errors are plain sentences for people."""

import ast
import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest
from litestar.exceptions import HTTPException

import api
import commands
import domain
import infra
import projections
from api.http.problems import TITLE_BY_CODE, MalformedRequest
from api.openapi import error_cases
from domain.errors import Refusal

PACKAGES = (api, commands, domain, infra, projections)
PRIVATE_WORDS = ("whoever", "nobody", "somebody", "no more", "good for nothing", "any more", "`")
ERROR_TYPES = (Refusal, MalformedRequest, HTTPException, ValueError)
TITLES = {case.title for case in error_cases.all_error_cases()} | set(TITLE_BY_CODE.values())


def private_words_in(text: str) -> list[str]:
    return [word for word in PRIVATE_WORDS if word in text.lower()]


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        names = [one.name for one in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
        yield from (import_module(name) for name in names if not name.endswith("__main__"))


def constants_in(node: ast.AST) -> list[str]:
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def error_details(source: str, namespace: dict[str, object]) -> Iterator[str]:
    """The texts in calls of error types, and in the assignments of variables that are passed to them."""
    tree = ast.parse(source)
    assigned: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).extend(constants_in(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_error_type(node.func, namespace):
            for argument in node.args:
                yield from constants_in(argument)
                yield from assigned.get(argument.id, ()) if isinstance(argument, ast.Name) else ()


def is_error_type(function: ast.expr, namespace: dict[str, object]) -> bool:
    name = ast.unparse(function)
    found = namespace.get(name) or namespace.get("__builtins__", {}).get(name)  # type: ignore[attr-defined]
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        found = getattr(namespace.get(function.value.id), function.attr, None)
    return isinstance(found, type) and issubclass(found, ERROR_TYPES)


@pytest.mark.parametrize("title", sorted(TITLES))
def test_an_error_title_is_plain_text_without_private_words(title: str) -> None:
    assert not private_words_in(title)


def test_every_error_detail_in_the_code_is_plain_text() -> None:
    details = [(one.__name__, text) for one in modules() for text in error_details(inspect.getsource(one), vars(one))]
    assert len(details) > 50
    assert not [(module, text) for module, text in details if private_words_in(text)]


@pytest.mark.parametrize(
    "source",
    [
        "raise ValueError('Send `x`.')",
        "def f():\n    msg = f'{x} is no `field`'\n    raise ValueError(msg)",
        "error = ValueError('whoever' + x)",
    ],
)
def test_a_planted_backtick_or_private_word_in_a_detail_is_found(source: str) -> None:
    assert any(private_words_in(text) for text in error_details(source, {"ValueError": ValueError}))
