"""Event schemas over HTTP: what every event that can stand in the log looks like."""

import inspect
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.openapi.spec import Example
from litestar.params import PathParameter
from msgspec import Meta, Struct

from api.http.authentication import PUBLIC
from api.http.response import Response
from api.openapi.schemas import Schema
from domain import codec
from domain.errors import NotFound
from domain.event import Event
from projections.pagination import Page

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ADDRESS = "/schemas/events"
Type = Annotated[str, PathParameter(description="The name of an event.", examples=[Example(value="TaskRenamed")])]


class EventType(Struct, frozen=True):
    """An event by its stored name, and where its schema is."""

    type: Annotated[str, Meta(examples=["TaskRenamed"])]
    schema: Annotated[str, Meta(examples=["/schemas/events/TaskRenamed"])]


@get(ADDRESS, opt=PUBLIC)
async def list_event_types() -> Response[Page[EventType]]:
    """Every event that can be written to the log."""
    return Response(Page([EventType(name, f"{ADDRESS}/{name}") for name in sorted(codec.known())]))


@get(ADDRESS + "/{type:str}", opt=PUBLIC, media_type="application/schema+json")
async def show_event_schema(type: Type) -> Response[dict[str, Any]]:  # noqa: A002 - the parameter's name
    """The JSON Schema of an event, as the log keeps it: its name in `type`, and a changed field as `[old, new]`."""
    event = codec.known().get(type)
    if event is None:
        raise NotFound
    return Response(event_schema(event), media_type="application/schema+json")


def event_schema(event: type[Event]) -> Schema:
    """With every pair of a change written out where it stands."""
    found = msgspec.json.schema(event)
    parts = found["$defs"]
    own: Schema = _with_pairs(parts.pop(event.__name__), parts)
    kept = {name: part for name, part in parts.items() if not name.startswith("Change_")}
    said = (
        {"description": " ".join(inspect.cleandoc(event.__doc__).split())}
        if "__doc__" in vars(event) and event.__doc__
        else {}
    )
    defs = {"$defs": _with_pairs(kept, parts)} if kept else {}
    return {"$schema": DIALECT, "$id": f"{ADDRESS}/{codec.tag(event)}", **own, **said, **defs}


def _with_pairs(schema: Any, parts: dict[str, Schema]) -> Any:
    if isinstance(schema, list):
        return [_with_pairs(one, parts) for one in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name.startswith("Change_"):
        pair = {key: value for key, value in parts[name].items() if key not in {"title", "description"}}
        return {**_with_pairs(pair, parts), "maxItems": 2, "items": False}
    return {key: _with_pairs(value, parts) for key, value in schema.items()}
