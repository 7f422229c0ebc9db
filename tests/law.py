"""Laws: property checks that Hypothesis runs; a failure shows the shrunk counterexample."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps

from hypothesis import Phase, Verbosity, given, settings
from hypothesis.strategies import SearchStrategy

MAX_SHRINK_SECONDS = 8.0
_is_defect_planted = ContextVar("_planted", default=False)


def law(*strategies: SearchStrategy[object], examples: int) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Turn a function of drawn values into a check without arguments."""

    def decorate(body: Callable[..., None]) -> Callable[[], None]:
        @wraps(body)
        def check() -> None:
            is_planted = _is_defect_planted.get()
            run_settings = settings(
                max_examples=examples * (4 if is_planted else 1),
                deadline=None,
                database=None,
                report_multiple_bugs=False,
                phases=(Phase.generate,) if is_planted else (Phase.generate, Phase.shrink),
                derandomize=is_planted,
                verbosity=Verbosity.quiet,
            )
            run_settings(given(*strategies)(_reporting_counterexamples(body)))()

        return check

    return decorate


@contextmanager
def planted_defect() -> Iterator[None]:
    """While a defect is planted, laws draw the same examples in every run, more of them, and stop at the first failure.

    Shrinking would search for the smallest example, for a minute on a slow machine.
    """
    token = _is_defect_planted.set(True)
    try:
        yield
    finally:
        _is_defect_planted.reset(token)


def _reporting_counterexamples(body: Callable[..., None]) -> Callable[..., None]:
    """The body; a failure notes its arguments, as Hypothesis does not print nested values under pytest.

    Once shrinking has taken MAX_SHRINK_SECONDS, only values that failed before are tried again.
    """
    failures: set[str] = set()
    deadline = float("inf")

    @wraps(body)
    def attempt(**drawn: object) -> None:
        nonlocal deadline
        if time.monotonic() > deadline and _as_text(drawn) not in failures:
            return
        try:
            body(**drawn)
        except Exception as failure:
            deadline = min(deadline, time.monotonic() + MAX_SHRINK_SECONDS)
            failures.add(_as_text(drawn))
            failure.add_note(f"Counterexample of {body.__name__}: {_as_text(drawn)}")
            raise

    return attempt


def _as_text(drawn: dict[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in drawn.items())
