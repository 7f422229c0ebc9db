"""A turn: one round of the works, ours and the peers' one after the other, as far as it has come."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from msgspec import Struct

from bench.data.http_target import HttpTarget
from bench.harness import resource_usage
from bench.harness.idle_lane import IdleLaneLatencies
from bench.harness.instance import BenchInstance
from bench.harness.load_generator import LoadPlan, LoadResult
from bench.harness.processes import PeerProcess
from bench.harness.resource_usage import ResourceUsage
from bench.harness.run_module import run_module
from bench.targets import ScenarioReport

MANY_CLIENTS, FEW_CLIENTS = 64, 16
ONE_EVENT_SCRIPTS = {"create_tasks", "edit_tasks"}
"""Of these scripts each answer that says yes is an event."""
MAX_PEER_REFUSED_SHARE = 0.01
"""A peer that refuses a larger share is none."""
T = TypeVar("T")


class RoundResult(Struct, frozen=True):
    """What came of one: loads, and what they used, by name; how long projections lagged after each write.

    `counted` is what the log says: how often the one task of W3 changed, and the events of L1.
    """

    loads: dict[str, LoadResult] = {}
    resource_usage: dict[str, dict[str, ResourceUsage]] = {}
    event_counts: dict[str, int] = {}
    lags_s: list[float] = []
    commit_to_row_ms: list[float] = []
    idle_lane: list[IdleLaneLatencies] = []

    def per_second(self, name: str) -> float:
        """Of W3 only what changed the task: completing what is done is acknowledged, but is no work."""
        load = self.loads[name]
        return self.event_counts[name] / load.seconds if name == "W3" else load.per_second()


class Environment(Struct, frozen=True):
    """Who is measured: our instance, one like it with four API processes if there is one, the peers by name."""

    ours: BenchInstance
    four_processes: BenchInstance | None
    peers: Mapping[str, PeerProcess]

    def root_pids(self) -> dict[str, int]:
        """The first process of us and each peer."""
        return {"ours": self.ours.pid, **{name: peer.pid for name, peer in self.peers.items()}}


class Scenario(Protocol):
    """A module that measures something in each round, and says what came of it."""

    def run(self, runner: "RoundRunner", /) -> None:
        """Once."""

    def report(self, rounds: Sequence[RoundResult], /) -> ScenarioReport:
        """Of all rounds."""


class RoundConfig(Struct, frozen=True):
    """How much is measured: so many rounds of these works, each write and each look for so long."""

    rounds: int
    write_duration_s: float
    read_duration_s: float
    scenarios: Sequence[Scenario]


class RoundRunner:
    """Each write of ours is folded to the end before anything else begins."""

    def __init__(self, environment: Environment, config: RoundConfig, result: RoundResult) -> None:
        """What is found goes into the round."""
        self.environment = environment
        self.ours = environment.ours
        self.board = environment.ours.board
        self.config = config
        self.result = result

    def run_writes(
        self, name: str, script: str, targets: Sequence[HttpTarget], clients: int = MANY_CLIENTS, *, rate: float = 0.0
    ) -> None:
        """With us."""
        plan = LoadPlan(
            script, self.ours.address, self.ours.token, clients, self.config.write_duration_s, targets, rate
        )
        before = self.ours.log_head()
        with self.measure_write(name):
            load = self.result.loads[name] = run_module("bench.harness.load_generator", plan, LoadResult)
        if script in ONE_EVENT_SCRIPTS and self.ours.log_head() - before < sum(load.answered):
            raise RuntimeError(f"{name}: more was acknowledged than stands in the log.")

    def run_peer_creates(self, peer: str, name: str, *, rate: float = 0.0) -> None:
        """The same creates as ours, with a peer."""
        address, targets = self.environment.peers[peer].address, self.board.project_tasks
        plan = LoadPlan(
            "create_tasks", address, self.ours.token, MANY_CLIENTS, self.config.write_duration_s, targets, rate
        )
        with self.measure_usage(name):
            self.result.loads[name] = _require_answered(
                peer, run_module("bench.harness.load_generator", plan, LoadResult)
            )

    def run_reads(self, name: str, address: str, target: HttpTarget) -> None:
        """From us or a peer."""
        plan = LoadPlan("get_repeatedly", address, self.ours.token, MANY_CLIENTS, self.config.read_duration_s, [target])
        with self.measure_usage(name):
            self.result.loads[name] = _require_answered(
                name, run_module("bench.harness.load_generator", plan, LoadResult)
            )

    @contextmanager
    def measure_write(self, name: str, where: BenchInstance | None = None) -> Iterator[None]:
        """Note what the block uses, and how long the projections lag after it, with us if not said otherwise."""
        with self.measure_usage(name, {"ours": where.pid} if where else None):
            yield
        self.result.lags_s.append((where or self.ours).wait_caught_up())

    @contextmanager
    def measure_usage(self, name: str, root_pids: Mapping[str, int] | None = None) -> Iterator[None]:
        """Note what the block uses, of us and all peers if not said otherwise."""
        with resource_usage.track_usage(root_pids or self.environment.root_pids()) as used:
            yield
        self.result.resource_usage[name] = used


def per_round(rounds: Sequence[RoundResult], name: str, value_of: Callable[[LoadResult], T]) -> list[T]:
    """A fact of the load of that name in each round."""
    return [value_of(one.loads[name]) for one in rounds]


def rates(rounds: Sequence[RoundResult], name: str) -> list[float]:
    """How many a second, in each round."""
    return [one.per_second(name) for one in rounds]


def _require_answered(name: str, load: LoadResult) -> LoadResult:
    refused = sum(load.refused.values()) + load.wrong
    if refused > MAX_PEER_REFUSED_SHARE * (refused + sum(load.answered)):
        raise RuntimeError(f"{name} refused {refused} requests, or answered something else, so it is no measure.")
    return load
