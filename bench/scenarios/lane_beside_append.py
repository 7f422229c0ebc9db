"""L1 with one client: what a command costs while nobody else asks, beside its bare append."""

from collections.abc import Sequence
from statistics import median

from bench.harness import idle_lane
from bench.harness.idle_lane import Idle
from bench.harness.processes import SUBJECT
from bench.harness.rounds import Round, Turn
from bench.harness.run_module import elsewhere
from bench.targets import Measure, Told, at_most

_LATENCY = Measure("L1", "the lane with one client, p50", "ms")


def turn(turn: Turn) -> None:
    ours, (handled, appended, *_) = turn.ours, turn.board.apart
    plan = idle_lane.Plan(str(ours.data), ours.user, handled, appended, turn.size.writing_s)
    with turn.wrote("L1 alone"):
        turn.round.idle.append(elsewhere("bench.harness.idle_lane", plan, Idle, SUBJECT))


def told(rounds: Sequence[Round]) -> Told:
    found = [idle for one in rounds for idle in one.idle]
    handled = [median(one.handled_ms) for one in found]
    appended = [median(one.appended_ms) for one in found]
    return Told([_LATENCY.beside("bare append", handled, appended, at_most(1.3))])
