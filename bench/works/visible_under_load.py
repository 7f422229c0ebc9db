"""V1 while 1,000 creates fall due each second."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.elsewhere import elsewhere
from bench.load import Load, Plan
from bench.mark import Told
from bench.turn import MANY, Round, Turn
from bench.works import paced, visible


def turn(turn: Turn) -> None:
    ours, seconds = turn.ours, turn.size.writing_s
    creates = Plan("creating", ours.address, ours.token, MANY, seconds, turn.board.spread, paced.AT)
    with turn.wrote("V1 under load"), ThreadPoolExecutor(1) as beside:
        load = beside.submit(elsewhere, "bench.load", creates, Load)
        turn.round.loads["V1 under load"] = elsewhere("bench.load", visible.seeing(turn, seconds), Load)
        turn.round.loads["V1 load"] = load.result()


def told(rounds: Sequence[Round]) -> Told:
    is_slower = not paced.keeps_up(rounds, "V1 load", paced.AT)
    what = "visible, 1,000/s fall due"
    return Told(list(visible.marks(what, rounds, "V1 under load", is_void=is_slower)))
