"""`python -m bench [quick]`: measure us beside our peers, print a table, keep it in `bench/results/latest.json`."""

import sys
import tempfile
import time
from pathlib import Path

from bench import cold, report, works
from bench.folding import measured
from bench.instance import say
from bench.marks import marks
from bench.rows import rows_ms
from bench.stage import stage
from bench.works import FULL, QUICK, Size


def main(size: Size) -> None:
    began, machine = time.monotonic(), report.machine()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, stage(Path(folder), size) as up:
        machine["postgresql"] = up.ours.connection.info.server_version // 10_000
        say(f"Ready after {time.monotonic() - began:.0f} s.")
        rounds = []
        for number in range(1, size.rounds + 1):
            rounds.append(works.one_round(up, size))
            say(f"Round {number} of {size.rounds} done after {time.monotonic() - began:.0f} s.")
        seen, waited_ms = works.seen(up.ours), rows_ms(up.ours)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        folded = measured(Path(folder) / "data", size.extent)
        asked = cold.measured(Path(folder) / "cold") if size.cold else None
    lines = marks(rounds, seen, waited_ms, folded, asked)
    say(f"Done in {time.monotonic() - began:.0f} s.\n")
    report.write(machine, lines, rounds)
    report.show(lines, report.remarks(rounds, folded, machine, asked))


if __name__ == "__main__":
    main({"quick": QUICK, "full": FULL}[sys.argv[1] if sys.argv[1:] else "full"])
