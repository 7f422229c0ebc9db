"""V1 while 1,000 creates fall due each second."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.harness.load_generator import Load, Plan
from bench.harness.rounds import MANY, Round, Turn
from bench.harness.run_module import elsewhere
from bench.scenarios import open_loop, visibility
from bench.targets import Told


def turn(turn: Turn) -> None:
    ours, seconds = turn.ours, turn.size.writing_s
    creates = Plan("creating", ours.address, ours.token, MANY, seconds, turn.board.spread, open_loop.AT)
    with turn.wrote("V1 under load"), ThreadPoolExecutor(1) as beside:
        load = beside.submit(elsewhere, "bench.harness.load_generator", creates, Load)
        turn.round.loads["V1 under load"] = elsewhere(
            "bench.harness.load_generator", visibility.seeing(turn, seconds), Load
        )
        turn.round.loads["V1 load"] = load.result()


def told(rounds: Sequence[Round]) -> Told:
    is_slower = not open_loop.keeps_up(rounds, "V1 load", open_loop.AT)
    what = "visible, 1,000/s fall due"
    return Told(list(visibility.marks(what, rounds, "V1 under load", is_void=is_slower)))
