"""A header of a request, by its name in small letters, looked up where it stands."""

from typing import Any

from litestar import Request


def first(request: Request[Any, Any, Any], name: bytes, default: str = "") -> str:
    """What its first line says."""
    for field_name, value in request.scope["headers"]:
        if field_name == name:
            return value.decode("latin-1")
    return default


def lines(request: Request[Any, Any, Any], name: bytes) -> list[str]:
    """What each of its lines says, in the order that they came."""
    return [value.decode("latin-1") for field_name, value in request.scope["headers"] if field_name == name]
