"""Projections made wrong for as long as a block lasts: folds that fail, or yield what no table takes."""

import contextlib
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from domain.event import Change, RecordedEvent
from domain.task import TaskRenamed
from projections import fingerprint
from projections.projection import all_projections

POISON_EVENT = TaskRenamed(Change("Buy milk", "poison"))
"""An event that nothing is wrong with, but for folds that are spoilt."""
REJECTED_FIELDS: dict[str, dict[str, Any]] = {
    "a NUL character": {"title": "poi\0son"},
    "a number out of range": {"number": 2**70},
    "a key too long for an index": {"key": Random(1).randbytes(9_000).hex()},
}
"""Fields of a task that its table does not take."""
BreakFold = Callable[[Any, RecordedEvent], Any]


@contextlib.contextmanager
def broken_fold(name: str, break_fold: BreakFold, event: Any = POISON_EVENT) -> Iterator[None]:
    """A projection whose fold makes something else of an event, and whose fingerprint says so to nobody."""
    good, digest = all_projections()[name], fingerprint.digest

    def fold(key: Any, document: Any, recorded: RecordedEvent) -> Any:
        right = good.fold(key, document, recorded)
        return break_fold(right, recorded) if recorded.event == event else right

    with pytest.MonkeyPatch.context() as patch:
        worse = replace(good, fold=fold)
        patch.setitem(all_projections(), name, worse)
        patch.setattr(fingerprint, "digest", lambda one: digest(good if one is worse else one))
        yield


def raise_error(_: Any, recorded: RecordedEvent) -> Any:
    raise ZeroDivisionError(f"no way to fold {recorded.position}")


def replace_fields(fields: dict[str, Any]) -> BreakFold:
    """What a table refuses."""
    return lambda document, _: replace(document, **fields)
