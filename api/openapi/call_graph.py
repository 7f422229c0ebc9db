"""Reach: which functions and classes some code comes to, as far as its own text says so.

A name in the body of a function stands for what its module, its parameters' types or its class make of it. Whatever
is named counts as reached, and is read in turn where it is code of ours: what a handler raises is found where it is.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import FunctionType, ModuleType
from typing import Annotated, Any, TypeAlias, get_args, get_origin, get_type_hints

from msgspec import Struct

FLOORS = ("api", "commands", "infra", "projections", "domain")


class Of(Struct, frozen=True):
    """Some object of a class."""

    kind: type


class Code(Struct, frozen=True):
    """A function, and the class that it is a method of."""

    function: Callable[..., Any]
    owner: type | None = None


class Said(Struct, frozen=True):
    """A call with constants: `Malformed("invalid_id", ..., status=400)`."""

    of: Any
    arguments: tuple[Any, ...]
    named: tuple[tuple[str, Any], ...] = ()


class Called(Struct, frozen=True):
    """A call, with its arguments as they are written."""

    of: Any
    arguments: tuple[ast.expr, ...]


Found: TypeAlias = Code | Said | type


def reached(roots: Iterable[Code], stops: frozenset[Callable[..., Any]] = frozenset()) -> frozenset[Found]:
    """All that the roots come to, themselves included; code that stands in `stops` is reached and not read."""
    seen, todo = set[Found](), list[Found](roots)
    while todo:
        found = todo.pop()
        if found in seen:
            continue
        seen.add(found)
        if isinstance(found, Code) and found.function not in stops:
            todo.extend(_named(found))
        elif isinstance(found, type):
            todo.extend(_working(found))
    return frozenset(seen)


def functions(found: frozenset[Found]) -> frozenset[Callable[..., Any]]:
    """The functions among them."""
    return frozenset(one.function for one in found if isinstance(one, Code))


def kinds(found: frozenset[Found], above: type) -> set[Any]:
    """The classes among them that are below a certain one."""
    return {one for one in found if isinstance(one, type) and issubclass(one, above) and one is not above}


def calls(code: Code) -> Iterator[Called]:
    """The calls of functions of ours in its own text, with their arguments as they are written."""
    tree = _tree(code.function)
    scope = _scope(code, tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(called := _resolve(node.func, scope), Code):
            yield Called(called.function, tuple(node.args))


def said_in(module: ModuleType) -> Iterator[Said]:
    """The calls with constants in a whole module."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and (said := _said(node, vars(module))):
            yield said


def _working(kind: type) -> Iterator[Code]:
    """The methods of a class of ours that does something: not of data, nor of errors."""
    if _is_ours(kind) and not issubclass(kind, Struct | BaseException):
        yield from (Code(each, kind) for each in vars(kind).values() if isinstance(each, FunctionType))


@cache
def _named(code: Code) -> frozenset[Found]:
    tree = _tree(code.function)
    scope = _scope(code, tree)
    found = set[Found]()
    for node in (inner for statement in tree.body for inner in ast.walk(statement)):
        if isinstance(node, ast.Call) and (said := _said(node, scope)):
            found.add(said)
        if isinstance(node, ast.Name | ast.Attribute):
            found.update(_worth(_resolve(node, scope)))
    return frozenset(found)


def _worth(named: Any) -> Iterator[Found]:
    if isinstance(named, Code):
        if _is_ours(named.function):
            yield named
    elif isinstance(named, type):
        yield named


def _said(call: ast.Call, scope: dict[str, Any]) -> Said | None:
    called = _resolve(call.func, scope)
    called = called.function if isinstance(called, Code) else called
    if not isinstance(called, type | FunctionType) or not _is_ours(called):
        return None
    arguments = tuple(_constant(argument) for argument in call.args)
    named = tuple((each.arg, _constant(each.value)) for each in call.keywords if each.arg)
    return Said(called, arguments, named)


def _constant(node: ast.expr) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _resolve(node: ast.AST, scope: dict[str, Any]) -> Any:
    """What an expression stands for: a module, a class, `Code`, or `Of` a class; None where that is not known."""
    match node:
        case ast.Name(id=name):
            return _coded(scope.get(name))
        case ast.Attribute(value=value, attr=name):
            return _member(_resolve(value, scope), name)
        case ast.Call(func=function):
            called = _resolve(function, scope)
            return Of(called) if isinstance(called, type) else None
    return None


def _member(owner: Any, name: str) -> Any:
    if isinstance(owner, Of):
        found = getattr(owner.kind, name, None)
        if inspect.isroutine(found):
            return _coded(found, owner.kind)
        return _an(_hints(owner.kind).get(name))
    return _coded(getattr(owner, name, None)) if isinstance(owner, type | ModuleType) else None


def _coded(found: Any, owner: type | None = None) -> Any:
    if inspect.ismethod(found):  # a class method, by its class
        return Code(found.__func__, found.__self__) if isinstance(found.__self__, type) else None
    found = inspect.unwrap(found) if callable(found) and not isinstance(found, type) else found
    return Code(found, owner) if isinstance(found, FunctionType) else found


def _scope(code: Code, tree: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, Any]:
    hints = _hints(code.function)
    names = [argument.arg for argument in (*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs)]
    scope = {**getattr(code.function, "__globals__", {}), **{name: _an(hints.get(name)) for name in names}}
    if code.owner and names and names[0] in {"self", "cls"}:
        scope[names[0]] = Of(code.owner)
    return scope


def _an(hint: Any) -> Of | None:
    """An object that a type hint names the class of."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    origin = get_origin(hint) or hint
    return Of(origin) if isinstance(origin, type) else None


@cache
def _hints(of: Any) -> dict[str, Any]:
    try:
        return get_type_hints(of)
    except (NameError, TypeError):
        return {}


@cache
def _tree(function: Callable[..., Any]) -> ast.FunctionDef | ast.AsyncFunctionDef:
    """Its text; nothing where it has none of its own, as what a decorator made."""
    try:
        tree: ast.stmt = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, SyntaxError):
        return _NOTHING
    return tree if isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef) else _NOTHING


_NOTHING = ast.FunctionDef("nothing", ast.arguments([], [], None, [], [], None, []), [], [])


def _is_ours(found: Any) -> bool:
    return str(found.__module__).partition(".")[0] in FLOORS
