"""Component schemas: the JSON Schema of every request and response type, under its public name."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from types import UnionType
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin

import msgspec
from msgspec import Struct, UnsetType

from api.openapi import client_types
from api.openapi.public_names import public_name
from projections.pagination import Page

Schema: TypeAlias = dict[str, Any]
BINARY: Final = "application/octet-stream"
"""The media type of bytes of any kind."""
SCHEMA_REF_PREFIX: Final = "#/components/schemas/"


def schema_components(
    request_types: Iterable[Any], response_types: Iterable[Any]
) -> tuple[dict[Any, Schema], dict[str, Schema]]:
    """The schema of each of these types, and of every Struct that they contain by its public name."""
    request_types = list(request_types)
    distinct_types = list(dict.fromkeys([*request_types, *response_types]))
    schemas, components = msgspec.json.schema_components(distinct_types, ref_template=SCHEMA_REF_PREFIX + "{name}")
    received = structs_in(request_types)
    for kind in structs_in(distinct_types):
        component = components.get(f"{kind.__module__}.{kind.__qualname__}") or components[kind.__name__]
        _add_time_formats(kind, component)
        if kind not in received:
            client_types.describe_as_sent(kind, component)
    for component in filter(_page_name, components.values()):
        client_types.describe_as_sent(Page, component)
    names = {name: _page_name(schema) or public_name(name) for name, schema in components.items()}
    public_components = {
        names[name]: {**client_types.plain(_with_public_names(schema, names)), "title": names[name]}
        for name, schema in components.items()
    }
    return {
        kind: _with_public_names(schema, names) for kind, schema in zip(distinct_types, schemas, strict=True)
    }, dict(sorted(public_components.items()))


def _page_name(schema: Schema) -> str | None:
    """A page of tasks is a `TaskPage`, whatever the class of its items."""
    if not schema["title"].startswith("Page["):
        return None
    return public_name(schema["properties"]["items"]["items"]["$ref"].removeprefix(SCHEMA_REF_PREFIX)) + "Page"


def structs_in(types: Iterable[Any]) -> set[type[Struct]]:
    """Every plain Struct among these types and their fields."""
    seen = set[type[Struct]]()
    todo = list(types)
    while todo:
        kind = todo.pop()
        todo.extend(get_args(kind))
        if isinstance(kind, type) and issubclass(kind, Struct) and kind not in seen:
            if not getattr(kind, "__parameters__", ()):
                seen.add(kind)
            todo.extend(field.type for field in msgspec.structs.fields(kind))
    return seen


def strip_annotated(annotation: Any) -> Any:
    """The type without its annotations."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def union_members(annotation: Any) -> Iterator[Any]:
    """The types of a union without those of absence; any other type alone."""
    if get_origin(strip_annotated(annotation)) in {Union, UnionType}:
        for one in get_args(strip_annotated(annotation)):
            if one not in {type(None), UnsetType}:
                yield from union_members(one)
    else:
        yield annotation


def _add_time_formats(struct_type: type[Struct], schema: Schema) -> None:
    """Give every time the format `date-time`: all times in responses have an offset."""
    for field in msgspec.structs.fields(struct_type):
        if any(strip_annotated(one) is datetime for one in union_members(field.type)):
            property_schema = schema["properties"][field.encode_name]
            for one in property_schema.get("anyOf", [property_schema]):
                if one.get("type") == "string":
                    one["format"] = "date-time"


def _with_public_names(schema: Any, names: dict[str, str]) -> Any:
    """The schema with public names in its references."""
    if isinstance(schema, list):
        return [_with_public_names(one, names) for one in schema]
    if not isinstance(schema, dict):
        return schema
    renamed = {key: _with_public_names(value, names) for key, value in schema.items()}
    if isinstance(ref := schema.get("$ref"), str):
        name = ref.removeprefix(SCHEMA_REF_PREFIX)
        renamed["$ref"] = SCHEMA_REF_PREFIX + names.get(name, name)
    return renamed
