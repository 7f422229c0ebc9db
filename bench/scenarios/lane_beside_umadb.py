"""L1: the lane in a process of its own, without HTTP, and W1, beside UmaDB."""

from collections.abc import Sequence
from statistics import median

from bench.harness import lane
from bench.harness.load_generator import Load
from bench.harness.processes import SUBJECT
from bench.harness.rounds import MANY, Round, Turn, rates
from bench.harness.run_module import elsewhere
from bench.peers import umadb
from bench.targets import Measure, Told, at_least, number

_L1 = Measure("L1", "the lane in process, 64 waiting")
_W1 = Measure("W1", "create tasks, in 1,000 projects")


def turn(turn: Turn) -> None:
    with turn.using("umadb"):
        plan = umadb.Plan(turn.stage.peers["umadb"].address, MANY, turn.size.writing_s)
        turn.round.loads["umadb"] = elsewhere("bench.peers.umadb_client", plan, Load)
    ours, before = turn.ours, turn.ours.head()
    ourselves = lane.Plan(str(ours.data), ours.user, ours.board.apart, MANY, turn.size.writing_s)
    with turn.wrote("L1"):
        turn.round.loads["L1"] = elsewhere("bench.harness.lane", ourselves, Load, SUBJECT)
        turn.round.counted["L1"] = ours.head() - before


def told(rounds: Sequence[Round]) -> Told:
    theirs = rates(rounds, "umadb")
    events = median(one.counted["L1"] / one.loads["L1"].seconds for one in rounds)
    return Told(
        [
            _W1.beside("umadb", rates(rounds, "W1"), theirs, at_least(0.5)),
            _L1.beside("umadb", rates(rounds, "L1"), theirs, at_least(1.2)),
        ],
        [f"L1: {number(events)} events/s in the log, where UmaDB writes one event for each command."],
    )
