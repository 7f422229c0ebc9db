"""Tunes the garbage collector for processes that make many objects and hardly any cycles."""

import contextlib
import gc
from collections.abc import Iterator

_GC_THRESHOLDS = (20_000, 20, 20)


def freeze_and_relax() -> None:
    """Freeze existing objects and run the garbage collector rarely; requests and batches create no cycles."""
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


@contextlib.contextmanager
def frozen_and_relaxed() -> Iterator[None]:
    """The same for a while: a command that keeps many objects ends with the collector as it was."""
    thresholds = gc.get_threshold()
    freeze_and_relax()
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
