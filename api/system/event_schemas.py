"""Event schemas over HTTP: the JSON Schema of every event that the log can hold."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from api.function_endpoint import get
from api.http.response import Response
from api.openapi.event_schema import EVENT_SCHEMAS_PATH, event_schema
from domain import codec
from domain.errors import NotFound
from projections.pagination import Page

EventName = Annotated[str, Meta(description="The stored name of an event.", examples=["TaskRenamed"])]


class EventType(Struct, frozen=True):
    """An event type by its stored name, and the address of its schema."""

    type: Annotated[str, Meta(examples=["TaskRenamed"])]
    schema: Annotated[str, Meta(examples=["/schemas/events/TaskRenamed"])]


@get(EVENT_SCHEMAS_PATH, is_public=True)
async def list_event_types() -> Response[Page[EventType]]:
    """List every event type that can be written to the log."""
    types = [EventType(name, f"{EVENT_SCHEMAS_PATH}/{name}") for name in sorted(codec.all_event_types())]
    return Response(Page(types))


@get(EVENT_SCHEMAS_PATH + "/{type}", is_public=True, media_type="application/schema+json")
async def show_event_schema(type: EventName) -> Response[dict[str, Any]]:  # noqa: A002 - the parameter's name
    """Show the JSON Schema of a stored event: its name in `type`, and a changed field as `[old, new]`."""
    event = codec.all_event_types().get(type)
    if event is None:
        raise NotFound
    return Response(event_schema(event), media_type="application/schema+json")
