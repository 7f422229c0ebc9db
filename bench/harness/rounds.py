"""A turn: one round of the works, ours and the peers' one after the other, as far as it has come."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from msgspec import Struct

from bench.harness import resource_usage
from bench.harness.client_scripts import Target
from bench.harness.idle_lane import Idle
from bench.harness.instance import Instance
from bench.harness.load_generator import Load, Plan
from bench.harness.processes import Peer
from bench.harness.resource_usage import Use
from bench.harness.run_module import elsewhere
from bench.targets import Told

MANY, FEW = 64, 16
WRITING = {"creating", "editing"}
"""Of these scripts each answer that says yes is an event."""
REFUSED = 0.01
"""A peer that refuses a larger share is none."""
T = TypeVar("T")


class Round(Struct, frozen=True):
    """What came of one: loads, and what they used, by name; how long projections lagged after each write.

    `counted` is what the log says: how often the one task of W3 changed, and the events of L1.
    """

    loads: dict[str, Load] = {}
    used: dict[str, dict[str, Use]] = {}
    counted: dict[str, int] = {}
    lags_s: list[float] = []
    rows_ms: list[float] = []
    idle: list[Idle] = []

    def per_second(self, name: str) -> float:
        """Of W3 only what changed the task: completing what is done is acknowledged, but is no work."""
        load = self.loads[name]
        return self.counted[name] / load.seconds if name == "W3" else load.per_second()


class Stage(Struct, frozen=True):
    """Who is measured: our instance, one like it with four API processes if there is one, the peers by name."""

    ours: Instance
    four: Instance | None
    peers: Mapping[str, Peer]

    def roots(self) -> dict[str, int]:
        """The first process of us and each peer."""
        return {"ours": self.ours.pid, **{name: peer.pid for name, peer in self.peers.items()}}


class Work(Protocol):
    """A module that measures something in each round, and says what came of it."""

    def turn(self, turn: "Turn", /) -> None:
        """Once."""

    def told(self, rounds: Sequence[Round], /) -> Told:
        """Of all rounds."""


class Size(Struct, frozen=True):
    """How much is measured: so many rounds of these works, each write and each look for so long."""

    rounds: int
    writing_s: float
    reading_s: float
    works: Sequence[Work]


class Turn:
    """Each write of ours is folded to the end before anything else begins."""

    def __init__(self, stage: Stage, size: Size, found: Round) -> None:
        """What is found goes into the round."""
        self.stage = stage
        self.ours = stage.ours
        self.board = stage.ours.board
        self.size = size
        self.round = found

    def write(
        self, name: str, script: str, targets: Sequence[Target], clients: int = MANY, *, rate: float = 0.0
    ) -> None:
        """With us."""
        plan = Plan(script, self.ours.address, self.ours.token, clients, self.size.writing_s, targets, rate)
        before = self.ours.head()
        with self.wrote(name):
            load = self.round.loads[name] = elsewhere("bench.harness.load_generator", plan, Load)
        if script in WRITING and self.ours.head() - before < sum(load.answered):
            raise RuntimeError(f"{name}: more was acknowledged than stands in the log.")

    def write_at(self, peer: str, name: str, *, rate: float = 0.0) -> None:
        """The same creates as ours, with a peer."""
        address, targets = self.stage.peers[peer].address, self.board.spread
        plan = Plan("creating", address, self.ours.token, MANY, self.size.writing_s, targets, rate)
        with self.using(name):
            self.round.loads[name] = _answered(peer, elsewhere("bench.harness.load_generator", plan, Load))

    def read(self, name: str, address: str, target: Target) -> None:
        """From us or a peer."""
        plan = Plan("looking", address, self.ours.token, MANY, self.size.reading_s, [target])
        with self.using(name):
            self.round.loads[name] = _answered(name, elsewhere("bench.harness.load_generator", plan, Load))

    @contextmanager
    def wrote(self, name: str, where: Instance | None = None) -> Iterator[None]:
        """Note what the block uses, and how long the projections lag after it, with us if not said otherwise."""
        with self.using(name, {"ours": where.pid} if where else None):
            yield
        self.round.lags_s.append((where or self.ours).caught_up())

    @contextmanager
    def using(self, name: str, roots: Mapping[str, int] | None = None) -> Iterator[None]:
        """Note what the block uses, of us and all peers if not said otherwise."""
        with resource_usage.watched(roots or self.stage.roots()) as used:
            yield
        self.round.used[name] = used


def each(rounds: Sequence[Round], name: str, fact: Callable[[Load], T]) -> list[T]:
    """A fact of the load of that name in each round."""
    return [fact(one.loads[name]) for one in rounds]


def rates(rounds: Sequence[Round], name: str) -> list[float]:
    """How many a second, in each round."""
    return [one.per_second(name) for one in rounds]


def _answered(name: str, load: Load) -> Load:
    refused = sum(load.refused.values()) + load.wrong
    if refused > REFUSED * (refused + sum(load.answered)):
        raise RuntimeError(f"{name} refused {refused} requests, or answered something else, so it is no measure.")
    return load
