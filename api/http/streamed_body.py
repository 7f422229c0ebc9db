"""A streamed body: one that its handler consumes while it arrives, so that it is never in memory as a whole."""

from collections.abc import Callable
from contextvars import ContextVar

_begin: ContextVar[Callable[[], None] | None] = ContextVar("begin_streaming", default=None)


def let_begin(begin: Callable[[], None]) -> None:
    """For a connection: what to call once the handler of the current request streams its body."""
    _begin.set(begin)


def begin() -> None:
    """Tell the connection of the current request, if it waits for more, that each part is consumed as it arrives."""
    if tell := _begin.get():
        tell()
