"""A law: a check that Hypothesis tries on what it draws; called without arguments, it fails where it does not hold."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps

from hypothesis import Phase, given, settings
from hypothesis.strategies import SearchStrategy

_is_defect_planted = ContextVar("_planted", default=False)


def law(*strategies: SearchStrategy[object], examples: int) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Make a law of a function of what is drawn."""

    def decorate(body: Callable[..., None]) -> Callable[[], None]:
        @wraps(body)
        def check() -> None:
            planted = _is_defect_planted.get()
            phases = (Phase.generate,) if planted else tuple(Phase)
            run_settings = settings(
                max_examples=examples,
                deadline=None,
                database=None,
                report_multiple_bugs=False,
                phases=phases,
                derandomize=planted,
            )
            run_settings(given(*strategies)(body))()

        return check

    return decorate


@contextmanager
def planted_defect() -> Iterator[None]:
    """While a defect is planted, any failure will do, and the same examples find it every time."""
    token = _is_defect_planted.set(True)
    try:
        yield
    finally:
        _is_defect_planted.reset(token)
