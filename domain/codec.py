"""The codec: an event as the log keeps it, a stored name and JSON bytes, and back."""

import pkgutil
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
    """The event that was stored, as it is written today.

    Raises UnknownEvent where this code knows no event of that name, or not in that shape.
    """
    try:
        decoder = _decoders().get(stored_name)
        return decoder.decode(data) if decoder else _upcast(stored_name, data)
    except (KeyError, TypeError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnknownEvent(stored_name) from error


def decode_or_opaque(stored_name: str, data: bytes) -> Event:
    """As `decode`, for whoever looks and does not decide: an event that this code does not know is Unknown."""
    try:
        return decode(stored_name, data)
    except UnknownEvent:
        return OpaqueEvent(stored_name, data)


def all_event_types() -> dict[str, type[Event]]:
    """Every event of every module of this package, by its stored name."""
    for module in pkgutil.iter_modules(domain.__path__):
        import_module(f"domain.{module.name}")
    return {stored_name_of(event): event for event in Event.__subclasses__() if event is not OpaqueEvent}


def _upcast(stored_name: str, data: bytes) -> Event:
    """What an event that is no longer written is read as; raises KeyError for a name that never was."""
    stored_name, upcast = UPCASTS[stored_name]
    fields = upcast(msgspec.json.decode(data))
    while stored_name in UPCASTS:
        stored_name, upcast = UPCASTS[stored_name]
        fields = upcast(fields)
    return msgspec.convert({"type": stored_name, **fields}, all_event_types()[stored_name])


@cache
def _decoders() -> dict[str, msgspec.json.Decoder[Event]]:
    return {name: msgspec.json.Decoder(event) for name, event in all_event_types().items()}
