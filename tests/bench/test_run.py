"""A run: no load always goes before another, in any comparison."""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import msgspec
import pytest

from bench import growth, run
from bench.data.board import Board
from bench.data.http_target import HttpTarget
from bench.data.streams import STREAM_LENGTHS_EVENTS
from bench.harness import rounds as rounds_module
from bench.harness import run_module
from bench.harness.load_result import LoadResult
from bench.harness.processes import PeerProcess
from bench.harness.rounds import Environment, RoundResult, RoundRunner
from bench.report import results
from bench.report.results import RunResult
from bench.scenarios import folding, rebuild, visibility
from infra.ids import new_id
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow

TARGET = HttpTarget("/")
ANSWER = {
    **msgspec.to_builtins(LoadResult(1.0, [200], {}, [1.0] * 200, 0, 0.1)),
    "handled_ms": [1.0],
    "appended_ms": [1.0],
}
PEERS = ("stock", "umadb", "constant", "cache_aside", "echo", "raw_asgi")


class FakeInstance:
    """An instance that acknowledges all requests, and writes enough events."""

    pid, address, token, data, connection = 0, "http://nowhere", "", Path("nowhere"), None
    board = Board([new_id()], [TARGET], TARGET, TARGET, TARGET, TARGET, [new_id(), new_id()])

    def __init__(self) -> None:
        self.user: UUID = new_id()
        self._heads = itertools.count(0, 1_000)

    def log_head(self) -> int:
        return next(self._heads)

    def wait_caught_up(self) -> float:
        return 0.0

    def initial_tasks(self) -> list[HttpTarget]:
        return [TARGET]

    def change_count(self, _: HttpTarget) -> int:
        return self.log_head()


class NoSyncs:
    def per_second(self) -> float:
        return 0.0


@pytest.fixture(autouse=True)
def _no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loads end at once."""
    done = SimpleNamespace(stdout=msgspec.json.encode(ANSWER))
    monkeypatch.setattr(run_module, "subprocess", SimpleNamespace(run=lambda *_, **__: done, PIPE=None))
    monkeypatch.setattr(rounds_module, "track_wal_syncs", lambda _: contextlib.nullcontext(NoSyncs()))
    monkeypatch.setattr(visibility, "measure_commit_to_row_ms", lambda *_: [1.0])


def recording(measure: Any, orders: list[list[str]]) -> Any:
    @contextlib.contextmanager
    def record(runner: RoundRunner, name: str, *rest: Any) -> Iterator[None]:
        orders[-1].append(name)
        with measure(runner, name, *rest):
            yield

    return record


def order_of_loads(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The names of the loads of a full run, in order, for each of its rounds."""
    orders: list[list[str]] = []
    rounds_of_full_run(monkeypatch, orders)
    return orders


def rounds_of_full_run(monkeypatch: pytest.MonkeyPatch, orders: list[list[str]]) -> list[RoundResult]:
    """The rounds of a full run; the names of their loads are added to `orders`."""
    for method in ("measure_usage", "measure_write"):
        monkeypatch.setattr(RoundRunner, method, recording(getattr(RoundRunner, method), orders))
    instance = cast("Any", FakeInstance())
    environment = Environment(instance, instance, {name: PeerProcess("http://nowhere", 0) for name in PEERS})
    rounds: list[RoundResult] = []
    for _ in range(run.FULL.round_config.rounds):
        orders.append([])
        rounds.append(run.run_round(environment, run.FULL.round_config, rounds))
    return rounds


def check_that_loads_alternate(orders: list[list[str]]) -> None:
    for one, following in itertools.pairwise(orders):
        assert sorted(one) == sorted(following)
        for first, second in itertools.combinations(one, 2):
            assert following.index(second) < following.index(first), f"{first} always goes before {second}"


def test_of_any_two_loads_each_goes_first_every_other_round(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = order_of_loads(monkeypatch)
    assert {"W1", "stock", "umadb", "L1", "echo", "R2", "R2 aside", "W2", "V1"} <= set(orders[0])
    check_that_loads_alternate(orders)


def test_peers_that_always_come_second_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def in_fixed_order(_: RoundRunner, *contenders: Any) -> None:
        for contender in contenders:
            contender()

    monkeypatch.setattr(RoundRunner, "take_turns", in_fixed_order)
    orders = order_of_loads(monkeypatch)
    assert "always goes before" in str(assert_check_fails(lambda: check_that_loads_alternate(orders)))


def test_scenarios_in_a_fixed_order_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_in_fixed_order(runner: RoundRunner) -> None:
        for scenario in runner.config.scenarios:
            scenario.run(runner)

    monkeypatch.setattr(RoundRunner, "run_all", run_in_fixed_order)
    orders = order_of_loads(monkeypatch)
    assert_check_fails(lambda: check_that_loads_alternate(orders))


def test_sizes_alternate_in_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(growth, "_run_work", lambda _runner, grown, work: begun.append(f"{work} of {grown.events}"))
    monkeypatch.setattr(growth, "_run_on_streams", lambda _grown, length, _result: begun.append(f"streams {length}"))
    instances = [growth.GrownInstance(size, cast("Any", FakeInstance()), [], {}) for size in growth.LOG_SIZES_EVENTS]
    smallest, largest = (f"W1 of {growth.LOG_SIZES_EVENTS[at]}" for at in (0, -1))
    shortest, longest = (f"streams {STREAM_LENGTHS_EVENTS[at]}" for at in (0, -1))
    for number in range(2):
        begun.clear()
        growth.run_round(instances, number)
        assert (begun.index(smallest) < begun.index(largest)) is (number == 0)
        assert (begun.index(shortest) < begun.index(longest)) is (number == 0)


def test_the_rebuild_and_its_peer_alternate(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(folding, "create_database", lambda *_: "")
    monkeypatch.setattr(rebuild, "measure_rebuild", lambda _: begun.append("ours"))
    monkeypatch.setattr(folding, "_measure_peer", lambda *_: begun.append("peer"))
    up = cast("Any", SimpleNamespace(connection=None, owner_url=""))
    folding.measure_rebuilds(up, run.FULL.folding_config)
    assert begun == ["ours", "peer", "peer", "ours"]


def test_overload_takes_its_capacity_from_the_latest_round() -> None:
    earlier = [RoundResult({"W1": LoadResult(1.0, [rate], {}, [], 0, 0.1)}) for rate in (100, 200)]
    instance, now = cast("Any", FakeInstance()), RoundResult()
    runner = RoundRunner(Environment(instance, None, {}), run.QUICK.round_config, now, earlier)
    assert runner.latest_rate("W1") == 200
    now.loads["W1"] = LoadResult(1.0, [300], {}, [], 0, 0.1)
    assert runner.latest_rate("W1") == 300


def test_each_target_tells_how_it_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rounds = rounds_of_full_run(monkeypatch, [])
    marks = [mark for scenario in run.FULL.round_config.scenarios for mark in scenario.report(rounds).results]
    assert len(marks) > 20
    assert [mark.what for mark in marks if not mark.how.endswith(".") or "\n" in mark.how] == []
    monkeypatch.setattr(results, "RESULTS_DIRECTORY", tmp_path)
    monkeypatch.setattr(results, "LATEST_FILE", tmp_path / "latest.json")
    results.write_results(RunResult("full", {}, marks, [], {}, rounds))
    written = msgspec.json.decode((tmp_path / "latest.json").read_bytes())
    assert written["marks"][0]["how"] == marks[0].how
    assert set(written["about"]) == set(written) - {"about"}, "each key of the file is explained in it"
    assert (tmp_path / "full.json").read_bytes() == (tmp_path / "latest.json").read_bytes()
