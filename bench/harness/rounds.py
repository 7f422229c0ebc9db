"""Rounds: in each, all loads run once, ours and those of the peers; every other round runs them in reverse order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Protocol, TypeVar

from msgspec import Struct

from bench.data.http_target import HttpTarget
from bench.harness import resource_usage
from bench.harness.costs import load_cost
from bench.harness.idle_lane import IdleLaneLatencies
from bench.harness.instance import BenchInstance
from bench.harness.load_generator import LoadPlan
from bench.harness.load_result import LoadResult
from bench.harness.processes import PeerProcess
from bench.harness.resource_usage import ResourceUsage
from bench.harness.run_module import run_module
from bench.harness.wal_syncs import track_wal_syncs
from bench.targets import CostLine, ScenarioReport

MANY_CLIENTS, FEW_CLIENTS = 64, 16
ONE_EVENT_SCRIPTS = {"create_tasks", "edit_tasks"}
"""Scripts of which each successful answer is one event in the log."""
PEERS_ON_OUR_POSTGRESQL = {"stock"}
"""Peers that write to databases of their own on our server."""
MAX_PEER_REFUSED_SHARE = 0.01
"""A load of which a larger share is refused or wrong is not valid."""
T = TypeVar("T")


def mirrored(runs: Sequence[T], round_number: int) -> Sequence[T]:
    """In reverse order in every other round, so that of any two neither always goes first."""
    return runs[::-1] if round_number % 2 else runs


class RoundResult(Struct, frozen=True):
    """The result of a round: loads and their resource usage, by name, and the projections' lag after each write.

    `event_counts` comes from the log: the changes of the one task of W3, and the events of L1.
    """

    loads: dict[str, LoadResult] = {}
    resource_usage: dict[str, dict[str, ResourceUsage]] = {}
    wal_syncs_per_s: dict[str, float | None] = {}
    event_counts: dict[str, int] = {}
    lags_s: list[float] = []
    commit_to_row_ms: list[float] = []
    idle_lane: list[IdleLaneLatencies] = []

    def per_second(self, name: str) -> float:
        """For W3 only changes count: completing a completed task is acknowledged, but writes no event."""
        return self.events_per_second(name) if name == "W3" else self.loads[name].per_second()

    def events_per_second(self, name: str) -> float:
        """How many events (of W3: changes) a load wrote, where these are not as many as answers.

        The log cannot tell which of them belong to answers that count, so all are set against all answers.
        """
        load = self.loads[name]
        return load.per_second() * self.event_counts[name] / max(1, load.all_answers())

    def costs(self) -> list[CostLine]:
        """What each load cost whose usage was recorded."""
        return [
            load_cost(name, load, self.resource_usage[name], self.wal_syncs_per_s.get(name))
            for name, load in self.loads.items()
            if name in self.resource_usage
        ]


class Environment(Struct, frozen=True):
    """What is measured: our instance, in a full run another one with four API processes, and the peers by name."""

    ours: BenchInstance
    four_processes: BenchInstance | None
    peers: Mapping[str, PeerProcess]

    def root_pids(self) -> dict[str, int]:
        """The first process of our instance and of each peer."""
        return {"ours": self.ours.pid, **{name: peer.pid for name, peer in self.peers.items()}}


class Scenario(Protocol):
    """A module that measures something in each round, and reports the results."""

    def run(self, runner: "RoundRunner", /) -> None:
        """Run once, in one round."""

    def report(self, rounds: Sequence[RoundResult], /) -> ScenarioReport:
        """Report on all rounds."""


class RoundConfig(Struct, frozen=True):
    """How much is measured: the number of rounds, how long each write and each read load lasts, and the scenarios."""

    rounds: int
    write_duration_s: float
    read_duration_s: float
    scenarios: Sequence[Scenario]


class RoundRunner:
    """Runs the loads of one round. After each write, projections catch up before the next load starts."""

    def __init__(
        self,
        environment: Environment,
        config: RoundConfig,
        result: RoundResult,
        earlier_rounds: Sequence[RoundResult] = (),
    ) -> None:
        """Results are stored in `result`."""
        self.environment = environment
        self.ours = environment.ours
        self.board = environment.ours.board
        self.config = config
        self.result = result
        self._earlier_rounds = earlier_rounds

    def run_all(self) -> None:
        """Run all scenarios, in the order of this round."""
        for scenario in mirrored(self.config.scenarios, len(self._earlier_rounds)):
            scenario.run(self)

    def take_turns(self, *contenders: Callable[[], None]) -> None:
        """Run the loads that are compared with one another, in the order of this round."""
        for run in mirrored(contenders, len(self._earlier_rounds)):
            run()

    def latest_rate(self, name: str) -> float:
        """The rate of a load in this round, or in an earlier one if it has not run yet."""
        return next(one for one in (self.result, *self._earlier_rounds[::-1]) if name in one.loads).per_second(name)

    def run_writes(
        self, name: str, script: str, targets: Sequence[HttpTarget], clients: int = MANY_CLIENTS, *, rate: float = 0.0
    ) -> None:
        """Run a write load against our instance."""
        ours, duration_s = self.ours, self.config.write_duration_s
        self.run_write_plan(name, LoadPlan(script, ours.address, ours.token, clients, duration_s, targets, rate))

    def run_write_plan(self, name: str, plan: LoadPlan) -> None:
        """Run a plan that writes to our instance."""
        before = self.ours.log_head()
        with self.measure_write(name):
            load = self.result.loads[name] = run_module("bench.harness.load_generator", plan, LoadResult)
        if plan.script in ONE_EVENT_SCRIPTS and self.ours.log_head() - before < sum(load.answered):
            raise RuntimeError(f"{name}: more requests were acknowledged than events are in the log.")

    def run_peer_creates(self, peer: str, name: str, *, rate: float = 0.0) -> None:
        """Run the same creates as for our instance against a peer."""
        address, targets = self.environment.peers[peer].address, self.board.project_tasks
        plan = LoadPlan(
            "create_tasks", address, self.ours.token, MANY_CLIENTS, self.config.write_duration_s, targets, rate
        )
        is_ours = peer in PEERS_ON_OUR_POSTGRESQL
        syncs = self._record_wal_syncs(name, self.ours) if is_ours else nullcontext()
        with self.measure_usage(name), syncs:
            self.result.loads[name] = _require_answered(
                peer, run_module("bench.harness.load_generator", plan, LoadResult)
            )

    def run_reads(self, name: str, address: str, target: HttpTarget) -> None:
        """Run a read load against our instance or a peer; if the target has a body, other bytes are a wrong answer."""
        script = "get_and_compare" if target.expected_body else "get_repeatedly"
        plan = LoadPlan(script, address, self.ours.token, MANY_CLIENTS, self.config.read_duration_s, [target])
        with self.measure_usage(name):
            self.result.loads[name] = _require_answered(
                name, run_module("bench.harness.load_generator", plan, LoadResult)
            )

    @contextmanager
    def measure_write(self, name: str, where: BenchInstance | None = None) -> Iterator[None]:
        """Record the resource usage of the block and the projections' lag after it, by default of our instance.

        What workers do until they have caught up belongs to the usage.
        """
        instance = where or self.ours
        with resource_usage.track_usage({"ours": instance.pid} if where else self.environment.root_pids()) as used:
            with self._record_wal_syncs(name, instance):
                yield
            self.result.lags_s.append(instance.wait_caught_up())
        self.result.resource_usage[name] = used

    @contextmanager
    def measure_usage(self, name: str) -> Iterator[None]:
        """Record the resource usage of the block, of our instance and all peers."""
        with resource_usage.track_usage(self.environment.root_pids()) as used:
            yield
        self.result.resource_usage[name] = used

    @contextmanager
    def _record_wal_syncs(self, name: str, instance: BenchInstance) -> Iterator[None]:
        with track_wal_syncs(instance.connection) as syncs:
            yield
        self.result.wal_syncs_per_s[name] = syncs.per_second()


def per_round(rounds: Sequence[RoundResult], name: str, value_of: Callable[[LoadResult], T]) -> list[T]:
    """A value of the load with that name, for each round."""
    return [value_of(one.loads[name]) for one in rounds]


def rates(rounds: Sequence[RoundResult], name: str) -> list[float]:
    """The rate of the load with that name, for each round."""
    return [one.per_second(name) for one in rounds]


def _require_answered(name: str, load: LoadResult) -> LoadResult:
    refused = sum(load.refused.values()) + load.wrong
    if refused > MAX_PEER_REFUSED_SHARE * (refused + sum(load.answered)):
        raise RuntimeError(f"{name}: {refused} requests were refused or answered wrongly, so the load is void.")
    return load
