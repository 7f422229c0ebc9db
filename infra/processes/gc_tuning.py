"""Cycles: how seldom Python looks for them, in processes that make many objects at once and hardly any cycle."""

import gc

_GC_THRESHOLDS = (20_000, 20, 20)


def freeze_and_relax() -> None:
    """Look at what is there already never, and at what comes seldom: a request, or a batch, makes no cycle."""
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
