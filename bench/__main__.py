"""`python -m bench [quick|full|growth|processes]`: compare Taskledger with its peers, and write `bench/results/`."""

import argparse
from collections.abc import Callable
from functools import partial

from bench import growth, processes, run

RUNS: dict[str, Callable[[], None]] = {
    "quick": partial(run.measure, run.QUICK),
    "full": partial(run.measure, run.FULL),
    "growth": growth.measure,
    "processes": processes.measure,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench", description="Compare Taskledger with its peers.")
    parser.add_argument("run", nargs="?", choices=RUNS, default="full")
    RUNS[parser.parse_args().run]()
