"""A law: a check that Hypothesis tries on what it draws; called without arguments, it fails where it does not hold."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps

from hypothesis import Phase, given, settings
from hypothesis.strategies import SearchStrategy

_planted = ContextVar("_planted", default=False)


def law(*drawn: SearchStrategy[object], examples: int) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Make a law of a function of what is drawn."""

    def decorate(body: Callable[..., None]) -> Callable[[], None]:
        @wraps(body)
        def check() -> None:
            planted = _planted.get()
            phases = (Phase.generate,) if planted else tuple(Phase)
            tried = settings(
                max_examples=examples,
                deadline=None,
                database=None,
                report_multiple_bugs=False,
                phases=phases,
                derandomize=planted,
            )
            tried(given(*drawn)(body))()

        return check

    return decorate


@contextmanager
def planted() -> Iterator[None]:
    """While a defect is planted, any failure will do, and the same examples find it every time."""
    token = _planted.set(True)
    try:
        yield
    finally:
        _planted.reset(token)
