"""V1: how long after its acknowledgement a task can be seen, and its rows are committed, with nothing else to do."""

from collections.abc import Iterator, Sequence

from bench.harness.commit_to_row import rows_ms
from bench.harness.load_generator import Load, Plan
from bench.harness.rounds import Round, Turn, each
from bench.harness.run_module import elsewhere
from bench.targets import Mark, Measure, Told, at_most, percentile

SEEING_S, ROWS = 1.4, 70
"""So long, and so many rows, in each round."""
WITHIN_MS = {50: 10.0, 99: 50.0}
"""The most milliseconds for so many of a hundred."""


def turn(turn: Turn) -> None:
    with turn.wrote("V1"):
        turn.round.loads["V1"] = elsewhere("bench.harness.load_generator", seeing(turn, SEEING_S), Load)
    turn.round.rows_ms.extend(rows_ms(turn.ours, ROWS))


def told(rounds: Sequence[Round]) -> Told:
    return Told([*marks("visible, idle", rounds, "V1"), *_rows(rounds)])


def seeing(turn: Turn, seconds: float) -> Plan:
    """One client creates a task, then looks until it is there; that look alone is timed."""
    return Plan("seeing", turn.ours.address, turn.ours.token, 1, seconds, [turn.board.crowded])


def marks(what: str, rounds: Sequence[Round], name: str, *, is_void: bool = False) -> Iterator[Mark]:
    """A look that was refused was not seen in time, whatever the others say."""
    is_void = is_void or any(each(rounds, name, lambda load: bool(load.refused)))
    for at, most in WITHIN_MS.items():
        values = [percentile(one.loads[name].waited_ms(), at) for one in rounds]
        yield Measure("V1", f"{what}, p{at}", "ms").alone(values, at_most(most)).unless(is_void)


def _rows(rounds: Sequence[Round]) -> Iterator[Mark]:
    for at, most in WITHIN_MS.items():
        values = [percentile(one.rows_ms, at) for one in rounds]
        yield Measure("V1 commit to row", f"idle, p{at}", "ms").alone(values, at_most(most))
