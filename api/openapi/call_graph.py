"""The call graph: the functions, classes and constant calls that code reaches, read from its source.

A name in the body of a function is resolved by its module, the types of its parameters or its class. Everything named
counts as reached, and is read in turn if it is code of ours; so the errors that a handler can raise are found.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import FunctionType, ModuleType
from typing import Annotated, Any, TypeAlias, get_args, get_origin, get_type_hints

from msgspec import Struct

from api.http.endpoint import FunctionRef as FunctionRef  # noqa: PLC0414 - a name of this module

SOURCE_PACKAGES = ("api", "commands", "infra", "projections", "domain")


class InstanceOf(Struct, frozen=True):
    """An object of a class."""

    instance_type: type


class ConstantCall(Struct, frozen=True):
    """A call with constants: `MalformedRequest("invalid_id", ..., status=400)`."""

    callee: Any
    arguments: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...] = ()


Reachable: TypeAlias = FunctionRef | ConstantCall | type


def reachable_from(
    roots: Iterable[Reachable], boundary: frozenset[Callable[..., Any]] = frozenset()
) -> frozenset[Reachable]:
    """Everything that the roots reach, including themselves; functions in `boundary` are reached but not read."""
    seen, todo = set[Reachable](), list[Reachable](roots)
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, FunctionRef) and node.function not in boundary:
            todo.extend(_references(node))
        elif isinstance(node, type):
            todo.extend(_methods_of(node))
    return frozenset(seen)


def functions_in(reachable: frozenset[Reachable]) -> frozenset[Callable[..., Any]]:
    """The functions among the reachable references."""
    return frozenset(one.function for one in reachable if isinstance(one, FunctionRef))


def subclasses_in(reachable: frozenset[Reachable], base: type) -> set[Any]:
    """The proper subclasses of `base` among the reachable references."""
    return {one for one in reachable if isinstance(one, type) and issubclass(one, base) and one is not base}


def constant_calls_in(module: ModuleType) -> Iterator[ConstantCall]:
    """The calls with constants in a module."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and (call := _constant_call(node, vars(module))):
            yield call


def _methods_of(kind: type) -> Iterator[FunctionRef]:
    """The methods of a class of ours; none for Structs and exceptions."""
    if _is_own_code(kind) and not issubclass(kind, Struct | BaseException):
        yield from (FunctionRef(each, kind) for each in vars(kind).values() if isinstance(each, FunctionType))


@cache
def _references(function_ref: FunctionRef) -> frozenset[Reachable]:
    tree = _syntax_tree(function_ref.function)
    scope = _namespace(function_ref, tree)
    references = set[Reachable]()
    for node in (inner for statement in tree.body for inner in ast.walk(statement)):
        if isinstance(node, ast.Call) and (call := _constant_call(node, scope)):
            references.add(call)
        if isinstance(node, ast.Name | ast.Attribute):
            references.update(_own_references(_resolve(node, scope)))
    return frozenset(references)


def _own_references(target: Any) -> Iterator[Reachable]:
    if isinstance(target, FunctionRef):
        if _is_own_code(target.function):
            yield target
    elif isinstance(target, type):
        yield target


def _constant_call(call: ast.Call, scope: dict[str, Any]) -> ConstantCall | None:
    called = _resolve(call.func, scope)
    called = called.function if isinstance(called, FunctionRef) else called
    if not isinstance(called, type | FunctionType) or not _is_own_code(called):
        return None
    arguments = tuple(_constant_value(argument) for argument in call.args)
    named = tuple((each.arg, _constant_value(each.value)) for each in call.keywords if each.arg)
    return ConstantCall(called, arguments, named)


def _constant_value(node: ast.expr) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _resolve(node: ast.AST, scope: dict[str, Any]) -> Any:
    """What an expression refers to: a module, a class, a FunctionRef or an InstanceOf; None if unknown."""
    match node:
        case ast.Name(id=name):
            return _to_function_ref(scope.get(name))
        case ast.Attribute(value=value, attr=name):
            return _resolve_attribute(_resolve(value, scope), name)
        case ast.Call(func=function):
            called = _resolve(function, scope)
            return InstanceOf(called) if isinstance(called, type) else None
    return None


def _resolve_attribute(owner: Any, name: str) -> Any:
    if isinstance(owner, InstanceOf):
        member = getattr(owner.instance_type, name, None)
        if inspect.isroutine(member):
            return _to_function_ref(member, owner.instance_type)
        return _instance_of(_type_hints(owner.instance_type).get(name))
    return _to_function_ref(getattr(owner, name, None)) if isinstance(owner, type | ModuleType) else None


def _to_function_ref(target: Any, owner: type | None = None) -> Any:
    if inspect.ismethod(target):  # a class method, with its class
        return FunctionRef(target.__func__, target.__self__) if isinstance(target.__self__, type) else None
    target = inspect.unwrap(target) if callable(target) and not isinstance(target, type) else target
    return FunctionRef(target, owner) if isinstance(target, FunctionType) else target


def _namespace(function_ref: FunctionRef, tree: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, Any]:
    hints = _type_hints(function_ref.function)
    names = [argument.arg for argument in (*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs)]
    scope = {
        **getattr(function_ref.function, "__globals__", {}),
        **{name: _instance_of(hints.get(name)) for name in names},
    }
    if function_ref.owner and names and names[0] in {"self", "cls"}:
        scope[names[0]] = InstanceOf(function_ref.owner)
    return scope


def _instance_of(hint: Any) -> InstanceOf | None:
    """An object of the class that a type hint names."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    origin = get_origin(hint) or hint
    return InstanceOf(origin) if isinstance(origin, type) else None


@cache
def _type_hints(target: Any) -> dict[str, Any]:
    try:
        return get_type_hints(target)
    except (NameError, TypeError):
        return {}


@cache
def _syntax_tree(function: Callable[..., Any]) -> ast.FunctionDef | ast.AsyncFunctionDef:
    """The parsed source of a function; empty if it has none, such as one made by a decorator."""
    try:
        tree: ast.stmt = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, SyntaxError):
        return _EMPTY_FUNCTION
    return tree if isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef) else _EMPTY_FUNCTION


_EMPTY_FUNCTION = ast.FunctionDef("nothing", ast.arguments([], [], None, [], [], None, []), [], [])


def _is_own_code(target: Any) -> bool:
    return str(target.__module__).partition(".")[0] in SOURCE_PACKAGES
