"""Tunes the garbage collector for processes that make many objects and hardly any cycles."""

import gc

_GC_THRESHOLDS = (20_000, 20, 20)


def freeze_and_relax() -> None:
    """Freeze existing objects and run the garbage collector rarely; requests and batches create no cycles."""
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
