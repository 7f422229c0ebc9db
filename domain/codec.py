"""The codec: an event as the log keeps it, a stored name and JSON bytes, and back."""

import pkgutil
from functools import cache
from importlib import import_module

import msgspec

import domain
from domain.errors import UnknownEvent
from domain.event import Event

encode = msgspec.json.Encoder().encode


def tag(event: Event | type[Event]) -> str:
    """The stored name of an event."""
    return str(event.__struct_config__.tag)


def decode(stored_name: str, state: bytes) -> Event:
    """The event that was stored.

    Raises UnknownEvent where this code knows no event of that name, or not in that shape.
    """
    try:
        return _decoders()[stored_name].decode(state)
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnknownEvent(stored_name) from error


def known() -> dict[str, type[Event]]:
    """Every event of every module of this package, by its stored name."""
    for module in pkgutil.iter_modules(domain.__path__):
        import_module(f"domain.{module.name}")
    return {tag(event): event for event in Event.__subclasses__()}


@cache
def _decoders() -> dict[str, msgspec.json.Decoder[Event]]:
    return {name: msgspec.json.Decoder(event) for name, event in known().items()}
