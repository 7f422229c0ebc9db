"""Schemas: the JSON Schema of every type that is sent or answered, as msgspec has it, under plain names."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from types import UnionType
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin

import msgspec
from msgspec import Struct, UnsetType

from api.openapi.public_names import public_name

Schema: TypeAlias = dict[str, Any]
REF: Final = "#/components/schemas/"


def components(kinds: Iterable[Any]) -> tuple[dict[Any, Schema], dict[str, Schema]]:
    """The schema of each of these types, and of every Struct that they hold, by its public name."""
    wanted = list(dict.fromkeys(kinds))
    found, named = msgspec.json.schema_components(wanted, ref_template=REF + "{name}")
    for kind in structs(wanted):
        _say_times(kind, named.get(f"{kind.__module__}.{kind.__qualname__}") or named[kind.__name__])
    names = {name: _list_name(schema) or public_name(name) for name, schema in named.items()}
    own = {names[name]: {**_renamed(schema, names), "title": names[name]} for name, schema in named.items()}
    return {kind: _renamed(schema, names) for kind, schema in zip(wanted, found, strict=True)}, dict(
        sorted(own.items())
    )


def _list_name(schema: Schema) -> str | None:
    """A page of tasks is a `TaskPage`, whatever the code calls the items."""
    if not schema["title"].startswith("Page["):
        return None
    return public_name(schema["properties"]["items"]["items"]["$ref"].removeprefix(REF)) + "Page"


def structs(kinds: Iterable[Any]) -> set[type[Struct]]:
    """Every plain Struct that these types are or hold."""
    seen = set[type[Struct]]()
    todo = list(kinds)
    while todo:
        kind = todo.pop()
        todo.extend(get_args(kind))
        if isinstance(kind, type) and issubclass(kind, Struct) and kind not in seen:
            if not getattr(kind, "__parameters__", ()):
                seen.add(kind)
            todo.extend(field.type for field in msgspec.structs.fields(kind))
    return seen


def plain(annotation: Any) -> Any:
    """The type without what is said about it."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def options(annotation: Any) -> Iterator[Any]:
    """The types of a union, those that stand for absence left out; a type that is no union alone."""
    if get_origin(plain(annotation)) in {Union, UnionType}:
        for one in get_args(plain(annotation)):
            if one not in {type(None), UnsetType}:
                yield from options(one)
    else:
        yield annotation


def _say_times(kind: type[Struct], schema: Schema) -> None:
    """Say of every time that it is one, and has an offset: all that we write have one."""
    for field in msgspec.structs.fields(kind):
        if any(plain(one) is datetime for one in options(field.type)):
            found = schema["properties"][field.encode_name]
            for one in found.get("anyOf", [found]):
                if one.get("type") == "string":
                    one["format"] = "date-time"


def _renamed(schema: Any, names: dict[str, str]) -> Any:
    """The same, with the public names in its references."""
    if isinstance(schema, list):
        return [_renamed(one, names) for one in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: _renamed(value, names) for key, value in schema.items()}
    if isinstance(ref := schema.get("$ref"), str):
        name = ref.removeprefix(REF)
        told["$ref"] = REF + names.get(name, name)
    return told
