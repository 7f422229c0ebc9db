"""`python -m bench [quick|full|growth]`: measure us beside our peers, print a table, keep it in `bench/results/`."""

import sys
from collections.abc import Callable
from functools import partial

from bench import growth, run

RUNS: dict[str, Callable[[], None]] = {
    "quick": partial(run.measure, run.QUICK),
    "full": partial(run.measure, run.FULL),
    "growth": growth.measure,
}

if __name__ == "__main__":
    RUNS[sys.argv[1] if sys.argv[1:] else "full"]()
