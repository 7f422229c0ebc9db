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

JSON_SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
EVENT_SCHEMAS_PATH = "/schemas/events"
EventNameParam = Annotated[
    str, PathParameter(description="The name of an event.", examples=[Example(value="TaskRenamed")])
]


class EventType(Struct, frozen=True):
    """An event by its stored name, and where its schema is."""

    type: Annotated[str, Meta(examples=["TaskRenamed"])]
    schema: Annotated[str, Meta(examples=["/schemas/events/TaskRenamed"])]


@get(EVENT_SCHEMAS_PATH, opt=PUBLIC)
async def list_event_types() -> Response[Page[EventType]]:
    """Every event that can be written to the log."""
    return Response(Page([EventType(name, f"{EVENT_SCHEMAS_PATH}/{name}") for name in sorted(codec.all_event_types())]))


@get(EVENT_SCHEMAS_PATH + "/{type:str}", opt=PUBLIC, media_type="application/schema+json")
async def show_event_schema(type: EventNameParam) -> Response[dict[str, Any]]:  # noqa: A002 - the parameter's name
    """The JSON Schema of an event, as the log keeps it: its name in `type`, and a changed field as `[old, new]`."""
    event = codec.all_event_types().get(type)
    if event is None:
        raise NotFound
    return Response(event_schema(event), media_type="application/schema+json")


def event_schema(event: type[Event]) -> Schema:
    """With every pair of a change written out where it stands."""
    generated = msgspec.json.schema(event)
    definitions = generated["$defs"]
    own: Schema = _inline_changes(definitions.pop(event.__name__), definitions)
    other_definitions = {name: part for name, part in definitions.items() if not name.startswith("Change_")}
    description = (
        {"description": " ".join(inspect.cleandoc(event.__doc__).split())}
        if "__doc__" in vars(event) and event.__doc__
        else {}
    )
    defs = {"$defs": _inline_changes(other_definitions, definitions)} if other_definitions else {}
    return {
        "$schema": JSON_SCHEMA_DIALECT,
        "$id": f"{EVENT_SCHEMAS_PATH}/{codec.stored_name_of(event)}",
        **own,
        **description,
        **defs,
    }


def _inline_changes(schema: Any, definitions: dict[str, Schema]) -> Any:
    if isinstance(schema, list):
        return [_inline_changes(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name.startswith("Change_"):
        pair = {key: value for key, value in definitions[name].items() if key not in {"title", "description"}}
        return {**_inline_changes(pair, definitions), "maxItems": 2, "items": False}
    return {key: _inline_changes(value, definitions) for key, value in schema.items()}
