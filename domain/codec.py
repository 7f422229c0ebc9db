"""The codec: encodes an event as a stored name and JSON bytes, and decodes it."""

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module

import msgspec

import domain
from domain.errors import UnknownEvent
from domain.event import Event, OpaqueEvent
from domain.upcasts import UPCASTS

encode = msgspec.json.Encoder().encode


def stored_name_of(event: Event | type[Event]) -> str:
    """The stored name of an event."""
    return event.stored_name if isinstance(event, OpaqueEvent) else str(event.__struct_config__.tag)


def decode(stored_name: str, data: bytes) -> Event:
    """The stored event, upcast to the current type.

    Raises UnknownEvent if this code has no event of that name or shape.
    """
    try:
        decoder = _decoders().get(stored_name)
        return decoder.decode(data) if decoder else _upcast(stored_name, data)
    except (KeyError, TypeError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnknownEvent(stored_name) from error


def decode_or_opaque(stored_name: str, data: bytes) -> Event:
    """As `decode`, for readers that only display: an event that cannot be decoded becomes an OpaqueEvent."""
    try:
        return decode(stored_name, data)
    except UnknownEvent:
        return OpaqueEvent(stored_name, data)


def all_event_types() -> dict[str, type[Event]]:
    """Every event of every module of this package, by its stored name."""
    for module in pkgutil.iter_modules(domain.__path__):
        import_module(f"domain.{module.name}")
    return {stored_name_of(event): event for event in _event_types(Event) if event is not OpaqueEvent}


def _event_types(base: type[Event]) -> Iterator[type[Event]]:
    """The classes below a base that are events themselves: those without subclasses."""
    for found in base.__subclasses__():
        yield from _event_types(found) if found.__subclasses__() else (found,)


def _upcast(stored_name: str, data: bytes) -> Event:
    """The current event for one that is no longer written; raises KeyError for an unknown name."""
    stored_name, upcast = UPCASTS[stored_name]
    fields = upcast(msgspec.json.decode(data))
    while stored_name in UPCASTS:
        stored_name, upcast = UPCASTS[stored_name]
        fields = upcast(fields)
    return msgspec.convert({"type": stored_name, **fields}, all_event_types()[stored_name])


@cache
def _decoders() -> dict[str, msgspec.json.Decoder[Event]]:
    return {name: msgspec.json.Decoder(event) for name, event in all_event_types().items()}
