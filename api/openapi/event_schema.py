"""The JSON Schema of an event, as the log stores it."""

import inspect
from typing import Any

import msgspec

from api.openapi.schemas import Schema
from domain import codec
from domain.event import Event

EVENT_SCHEMAS_PATH = "/schemas/events"
JSON_SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def event_schema(event: type[Event]) -> Schema:
    """The schema of an event type, with the `[old, new]` pair of every change written inline."""
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
