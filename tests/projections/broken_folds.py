"""Broken folds, patched in for a block: they fail, or return fields that their table rejects."""

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
"""A valid event, on which broken folds fail."""
REJECTED_FIELDS: dict[str, dict[str, Any]] = {
    "a NUL character": {"title": "poi\0son"},
    "a number out of range": {"number": 2**70},
    "a key too long for an index": {"key": Random(1).randbytes(9_000).hex()},
}
"""Fields of a task that its table rejects."""
BreakFold = Callable[[Any, RecordedEvent], Any]


@contextlib.contextmanager
def broken_fold(name: str, break_fold: BreakFold, event: Any = POISON_EVENT) -> Iterator[None]:
    """Break the fold of a projection for one event, in what it changes; its fingerprint stays the same."""
    good, digest = all_projections()[name], fingerprint.digest

    def fold(key: Any, document: Any, recorded: RecordedEvent) -> Any:
        right = good.fold(key, document, recorded)
        return break_fold(right, recorded) if recorded.event == event and right is not document else right

    with pytest.MonkeyPatch.context() as patch:
        worse = replace(good, fold=fold)
        patch.setitem(all_projections(), name, worse)
        patch.setattr(fingerprint, "digest", lambda one: digest(good if one is worse else one))
        yield


def raise_error(_: Any, recorded: RecordedEvent) -> Any:
    raise ZeroDivisionError(f"no way to fold {recorded.position}")


def replace_fields(fields: dict[str, Any]) -> BreakFold:
    """Return the document with these fields, which its table rejects."""
    return lambda document, _: replace(document, **fields)
