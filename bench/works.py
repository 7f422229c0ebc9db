"""The works: what is measured in one round, ours and the peers' in turns."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from bench import idle, lane
from bench.elsewhere import elsewhere
from bench.folding import Extent
from bench.idle import Idle
from bench.instance import Instance
from bench.load import Load, Plan
from bench.peers import umadb
from bench.scripts import Target

MANY, FEW = 64, 16
SEEING_S = 4.0
RATE = 1_000.0
"""Commands that fall due each second where latency is asked for at a pace."""


class Round(Struct, frozen=True):
    """What came of one round: the loads by name, what the log says of some, the lags after writing, an idle lane.

    `counted` is how often the one task of W3 changed, and the events of L1.
    """

    loads: dict[str, Load]
    counted: dict[str, int]
    lags_s: list[float]
    idle: Idle | None

    def per_second(self, name: str) -> float:
        """Of W3 only what changed the task: completing what is done is acknowledged, but is no work."""
        load = self.loads[name]
        return self.counted[name] / load.seconds if name == "W3" else load.per_second()


class Stage(Struct, frozen=True):
    """Who is measured: our instance, one like it with four API processes if there is one, the peers' addresses."""

    ours: Instance
    four: Instance | None
    peers: Mapping[str, str]


class Size(Struct, frozen=True):
    """How much is measured."""

    rounds: int
    writing_s: float
    reading_s: float
    works: Sequence["Work"]
    extent: Extent
    cold: bool = False


class Turn:
    """One round, as far as it has come; each write of ours is folded to the end before anything else begins."""

    def __init__(self, stage: Stage, size: Size) -> None:
        self.stage = stage
        self.ours = stage.ours
        self.board = stage.ours.board
        self.size = size
        self.loads: dict[str, Load] = {}
        self.counted: dict[str, int] = {}
        self.lags_s: list[float] = []
        self.idle: Idle | None = None

    def write(
        self, name: str, script: str, targets: Sequence[Target], clients: int = MANY, *, rate: float = 0.0
    ) -> None:
        """With us."""
        plan = Plan(script, self.ours.address, self.ours.token, clients, self.size.writing_s, targets, rate)
        self.loads[name] = elsewhere("bench.load", plan, Load)
        self.lags_s.append(self.ours.caught_up())

    def write_at(self, peer: str, name: str) -> None:
        """The same creates as ours, with a peer."""
        address, board = self.stage.peers[peer], self.ours.board
        plan = Plan("creating", address, self.ours.token, MANY, self.size.writing_s, board.spread)
        self.loads[name] = elsewhere("bench.load", plan, Load)

    def read(self, name: str, address: str, target: Target) -> None:
        plan = Plan("looking", address, self.ours.token, MANY, self.size.reading_s, [target])
        self.loads[name] = elsewhere("bench.load", plan, Load)


Work = Callable[[Turn], None]


def creates(turn: Turn) -> None:
    """W1, beside the stock peer."""
    turn.write("W1", "creating", turn.board.spread)
    turn.write_at("stock", "stock")


def creates_in_one(turn: Turn) -> None:
    """W1, all of it in one project."""
    turn.write("W1 one", "creating", [turn.board.crowded])


def creates_by_four(turn: Turn) -> None:
    """W1, beside an instance with four API processes, on a board of its own."""
    four, seconds = turn.stage.four, turn.size.writing_s
    if four is None:
        raise RuntimeError("There is no instance with four API processes.")
    plan = Plan("creating", four.address, four.token, MANY, seconds, four.board.spread)
    turn.loads["W1 four"] = elsewhere("bench.load", plan, Load)
    turn.lags_s.append(four.caught_up())


def ceilings(turn: Turn) -> None:
    """W1 without a store, and without anything."""
    turn.write_at("echo", "echo")
    turn.write_at("raw_asgi", "W1 raw")


def appends(turn: Turn) -> None:
    """L1, beside UmaDB."""
    plan = umadb.Plan(turn.stage.peers["umadb"], MANY, turn.size.writing_s)
    turn.loads["umadb"] = elsewhere("bench.peers.umadb_client", plan, Load)
    ours, before = turn.ours, turn.ours.head()
    ourselves = lane.Plan(str(ours.data), ours.user, ours.board.apart, MANY, turn.size.writing_s)
    turn.loads["L1"] = elsewhere("bench.lane", ourselves, Load)
    turn.counted["L1"] = ours.head() - before
    turn.lags_s.append(ours.caught_up())


def alone(turn: Turn) -> None:
    """The lane with one client, beside its bare append."""
    ours, (handled, appended, *_) = turn.ours, turn.board.apart
    plan = idle.Plan(str(ours.data), ours.user, handled, appended, turn.size.writing_s)
    turn.idle = elsewhere("bench.idle", plan, Idle)
    turn.lags_s.append(ours.caught_up())


def creates_at_a_pace(turn: Turn) -> None:
    """W1, open loop."""
    turn.write("W1 paced", "creating", turn.board.spread, rate=RATE)


def sees_under_load(turn: Turn) -> None:
    """V1, while commands fall due all the time."""
    ours, seconds = turn.ours, turn.size.writing_s
    paced = Plan("creating", ours.address, ours.token, MANY, seconds, turn.board.spread, RATE)
    with ThreadPoolExecutor(1) as beside:
        load = beside.submit(elsewhere, "bench.load", paced, Load)
        turn.loads["V1"] = elsewhere("bench.load", _seeing(ours, seconds), Load)
        turn.loads["V1 paced"] = load.result()
    turn.lags_s.append(ours.caught_up())


def changes(turn: Turn) -> None:
    """W2."""
    turn.write("W2", "editing", turn.ours.first_tasks())


def contended(turn: Turn) -> None:
    """W3."""
    before = turn.ours.version(turn.board.contended)
    turn.write("W3", "toggling", [turn.board.contended], FEW)
    turn.counted["W3"] = turn.ours.version(turn.board.contended) - before


def looks(turn: Turn) -> None:
    """R1 and R2, beside the constant peer; R2 beside the cache-aside stack too."""
    for name, target in {"R1": turn.board.hot_task, "R2": turn.board.hot_page}.items():
        turn.read(name, turn.ours.address, target)
        turn.read(f"{name} constant", turn.stage.peers["constant"], target)
    turn.read("R2 aside", turn.stage.peers["cache_aside"], turn.board.hot_page)


def bare_looks(turn: Turn) -> None:
    """R1 and R2 without anything."""
    for name, target in {"R1": turn.board.hot_task, "R2": turn.board.hot_page}.items():
        turn.read(f"{name} raw", turn.stage.peers["raw_asgi"], target)


QUICK = Size(3, 1.8, 0.8, (creates, appends, changes, contended, looks), Extent(100_000, 5_000, rebuilds=2))
FULL = Size(
    5,
    3.0,
    1.5,
    (
        creates,
        creates_in_one,
        creates_by_four,
        ceilings,
        appends,
        alone,
        creates_at_a_pace,
        sees_under_load,
        changes,
        contended,
        looks,
        bare_looks,
    ),
    Extent(1_000_000, 20_000, rebuilds=2, following=200_000, disturbed=2),
    cold=True,
)


def one_round(stage: Stage, size: Size) -> Round:
    """Every work once."""
    turn = Turn(stage, size)
    for work in size.works:
        work(turn)
    return Round(turn.loads, turn.counted, turn.lags_s, turn.idle)


def seen(ours: Instance) -> Load:
    """V1, on an instance with nothing else to do: how long after its acknowledgement each task could be seen."""
    return elsewhere("bench.load", _seeing(ours, SEEING_S), Load)


def _seeing(ours: Instance, seconds: float) -> Plan:
    return Plan("seeing", ours.address, ours.token, 1, seconds, [ours.board.crowded])
