"""Request headers, read straight from the ASGI scope by lower-case name."""

from typing import Any

from litestar import Request
from litestar.types import Scope


def first(request: Request[Any, Any, Any], name: bytes, default: str = "") -> str:
    """The value of its first line."""
    for field_name, value in request.scope["headers"]:
        if field_name == name:
            return value.decode("latin-1")
    return default


def lines(request: Request[Any, Any, Any], name: bytes) -> list[str]:
    """The values of all lines with this field name in a request, in order."""
    return lines_of(request.scope, name)


def lines_of(scope: Scope, name: bytes) -> list[str]:
    """The values of all lines with this field name in the request of a scope, in order."""
    return [value.decode("latin-1") for field_name, value in scope["headers"] if field_name == name]
