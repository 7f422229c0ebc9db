"""The reference page: every event, command, route, error and setting, read from the code.

`python -m scripts.reference` writes docs/reference.md; a test fails while the page is not what this makes of the code.
"""

import ast
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta, Struct, UnsetType
from msgspec.structs import FieldInfo

from api import app, problems
from commands.command import Command
from domain import codec
from domain.errors import Refusal
from domain.event import Change, Event
from infra.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference.md"
PLAIN: dict[object, str] = {str: "text", int: "integer", bool: "`true` or `false`", UUID: "UUID", type(None): "`null`"}
NOWHERE = Settings(
    database_url="postgresql://nowhere",
    migration_url="postgresql://nowhere",
    redis_url="redis://nowhere",
    broker_url="redis://nowhere",
    jwt_key="x" * 32,
)
"""Enough to build an application that is asked for its routes and never opened."""


class Kept(NamedTuple):
    """One way of saying no, as the table shows it."""

    code: str
    status: int
    title: str


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join([*_opening(), *_events(), *_commands(), *_routes(), *_errors(), *_settings()]) + "\n"


def events() -> dict[str, type[Event]]:
    """Every event, by its stored name."""
    return codec.known()


def commands() -> dict[str, type[Command[Any]]]:
    """Every command that can be carried out, by its name."""
    routes()
    found = _below(Command)
    return {kind.__name__: kind for kind in found if "decide" in vars(kind)}


def errors() -> list[Kept]:
    """Every problem: the refusals of the rules, then what the HTTP floor says of itself."""
    return sorted({*_refusals(), *_written_in(problems.__file__), *_malformed()})


def routes() -> list[HTTPRouteHandler]:
    """Every route of the HTTP floor, in the order of its address."""
    found = {handler.handler_name: handler for route in app.litestar(NOWHERE).routes for handler in _handlers(route)}
    return sorted(found.values(), key=lambda handler: (_address(handler), *handler.http_methods))


def _opening() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Made from the code by `python -m scripts.reference`; `tests/test_reference.py` fails while it is out of date."
    yield "The form of every request and answer is in `/openapi.json` and, for people, at `/docs` of a running instance."


def _events() -> Iterator[str]:
    yield from _heading(
        "Events",
        "What can stand in the log. Stored names are for ever. A field that *changed* is stored as the pair",
        "`[old, new]`; the other fields of a later event say where it happened.",
    )
    for name, event in sorted(events().items(), key=lambda found: (found[1].__module__, _line(found[1]))):
        yield from _struct(name, event, msgspec.structs.fields(event))


def _commands() -> Iterator[str]:
    yield from _heading(
        "Commands",
        "What may be asked. All carry `expected_version`, the version of the stream that the wish was made on;",
        "those that overwrite or destroy must name it, in the body or as `If-Match`.",
    )
    for name, command in sorted(commands().items(), key=lambda found: (found[1].__module__, _line(found[1]))):
        fields = [field for field in msgspec.structs.fields(command) if field.name != "expected_version"]
        yield from _struct(name, command, fields, "Must name the version." if command.must_name_version else "")


def _routes() -> Iterator[str]:
    yield from _heading("Routes", "Each writing route hands in one command; the body is the command, unless another is named.")
    rows = [(f"`{_method(handler)} {_address(handler)}`", _body(handler), _sentence(handler.fn)) for handler in routes()]
    yield from _table(("route", "body", "what it does"), rows)


def _errors() -> Iterator[str]:
    yield from _heading(
        "Errors",
        "Every error is an `application/problem+json` document (RFC 9457) with a stable `code`. Those of the framework",
        "(401, 404, 405, 413) have the status phrase as their code, such as `method_not_allowed`.",
    )
    yield from _table(("code", "status", "title"), [(f"`{e.code}`", str(e.status), e.title) for e in errors()])


def _settings() -> Iterator[str]:
    yield from _heading(
        "Settings",
        "Variables of the environment; each may instead be named as a file, by the same name with `_FILE` behind it.",
        "What an instance of `taskledger serve` does not find here, it brings itself.",
    )
    types = typing.get_type_hints(Settings, include_extras=True)
    rows = [
        (f"`{PREFIX}{field.name.upper()}`", _said(types[field.name]), _default(field) or "none")
        for field in msgspec.structs.fields(Settings)
    ]
    yield from _table(("variable", "value", "default"), rows)


def _heading(title: str, *lines: str) -> Iterator[str]:
    yield from ("", f"## {title}", "", *lines, "")


def _struct(name: str, kind: type[Struct], fields: Iterable[FieldInfo], *more: str) -> Iterator[str]:
    said = " ".join(filter(None, [_sentence(kind), *more]))
    yield from (f"### {name}", "")
    if said:
        yield from (said, "")
    rows = [(f"`{field.name}`", _said(field.type), _default(field)) for field in fields]
    if rows:
        yield from _table(("field", "what it holds", "if left out"), rows)
        yield ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _said(annotation: Any) -> str:
    """A field's type in words."""
    if isinstance(annotation, msgspec.inspect.Type):
        raise TypeError(annotation)
    if get_origin(annotation) is typing.Annotated:
        return _bounded(annotation)
    if get_origin(annotation) is Change:
        return f"changed: {_said(get_args(annotation)[0])}"
    if get_origin(annotation) in {Union, UnionType}:
        return " or ".join(_said(part) for part in get_args(annotation) if part is not UnsetType)
    if get_origin(annotation) is Literal:
        return _any_of([f"`{value}`" for value in get_args(annotation)])
    if get_origin(annotation) is tuple:
        return f"list of {_said(get_args(annotation)[0])}"
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return f"`{{{', '.join(annotation.__struct_fields__)}}}`"
    return PLAIN[annotation]


def _bounded(annotation: Any) -> str:
    kind, meta = annotation.__origin__, next(one for one in annotation.__metadata__ if isinstance(one, Meta))
    if meta.description:
        return meta.description.rstrip(".")
    bounds = [
        f"at least {meta.min_length}" if meta.min_length else "",
        f"at most {meta.max_length}" if meta.max_length else "",
        f"from {meta.ge}" if meta.ge is not None else "",
        f"to {meta.le}" if meta.le is not None else "",
    ]
    unit = " characters" if kind is str and (meta.min_length or meta.max_length) else ""
    return f"{_said(kind)}, {' and '.join(filter(None, bounds))}{unit}".removesuffix(", ")


def _any_of(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _default(field: FieldInfo) -> str:
    if field.required:
        return ""
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()  # type: ignore[operator]
    if isinstance(value, UnsetType):
        return "stays as it is"
    return f"`{msgspec.json.encode(value).decode()}`" if not isinstance(value, str) or not value else f"`{value}`"


def _refusals() -> Iterator[Kept]:
    for kind in _below(Refusal):
        status = next((problems.STATUS[base] for base in kind.__mro__ if base in problems.STATUS), 422)
        yield Kept(kind.code(), status, kind.title())


def _malformed() -> Iterator[Kept]:
    for module in sorted((ROOT / "api").glob("*.py")):
        for call in _calls(module, "Malformed"):
            code, *_ = _texts(call.args)
            named = {keyword.arg: keyword.value for keyword in call.keywords}
            status = ast.literal_eval(named["status"]) if "status" in named else HTTPStatus.BAD_REQUEST
            yield Kept(code, int(status), HTTPStatus(status).phrase)


def _written_in(module: str) -> Iterator[Kept]:
    """The problems whose status, code and title stand in the call itself."""
    for call in _calls(Path(module), "problem"):
        texts = _texts(call.args)
        statuses = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, int)]
        if statuses and texts:
            yield Kept(texts[0], statuses[0], texts[1] if len(texts) > 1 else _assigned(Path(module), call))


def _calls(module: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def _texts(arguments: Iterable[ast.expr]) -> list[str]:
    return [arg.value for arg in arguments if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]


def _assigned(module: Path, call: ast.Call) -> str:
    """The text of the variable that a call has as its title, assigned just before."""
    names = {arg.id for arg in call.args if isinstance(arg, ast.Name)}
    before = [
        node
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Assign) and node.lineno < call.lineno and isinstance(node.value, ast.Constant)
    ]
    nearest = max((node for node in before if _target(node) in names), key=lambda node: node.lineno)
    return str(ast.literal_eval(nearest.value))


def _target(node: ast.Assign) -> str:
    return node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""


def _below(kind: type) -> list[type[Any]]:
    return [found for direct in kind.__subclasses__() for found in (direct, *_below(direct))]


def _line(kind: type) -> int:
    """Where a class stands in its module, so that the page keeps the order of the code."""
    tree = ast.parse(Path(str(__import__("sys").modules[kind.__module__].__file__)).read_text())
    return next(node.lineno for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__)


def _sentence(thing: type | Callable[..., Any]) -> str:
    """The first paragraph of its own docstring, in one line."""
    own = vars(thing).get("__doc__") if isinstance(thing, type) else thing.__doc__
    return " ".join((own or "").partition("\n\n")[0].split())


def _handlers(route: Any) -> Iterator[HTTPRouteHandler]:
    for handler in getattr(route, "route_handlers", ()):
        if isinstance(handler, HTTPRouteHandler) and handler.include_in_schema is not False:
            yield handler


def _method(handler: HTTPRouteHandler) -> str:
    return sorted(handler.http_methods - {"OPTIONS", "HEAD"})[0]


def _address(handler: HTTPRouteHandler) -> str:
    path = sorted(handler.resolve_layered_parameters() and handler.paths or handler.paths)[0]
    return str(path).replace(":str}", "}")


def _body(handler: HTTPRouteHandler) -> str:
    data = handler.parsed_fn_signature.parameters.get("data")
    return f"`{data.annotation.__name__}`" if data else ""


if __name__ == "__main__":
    PAGE.write_text(page())
