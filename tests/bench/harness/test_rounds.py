"""A round: it ends if a measurement is invalid."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from bench.data.http_target import HttpTarget
from bench.harness import resource_usage
from bench.harness import rounds as one_round
from bench.harness.durability import NotDurable, find_role_settings, require_on_disk
from bench.harness.load_generator import LoadPlan
from bench.harness.load_result import LoadResult
from bench.harness.resource_usage import ResourceUsage
from bench.harness.rounds import Environment, RoundConfig, RoundResult, RoundRunner
from infra.database.connections import connect
from infra.settings import Settings

pytestmark = pytest.mark.slow

MEMORY = Path("/dev/shm")  # noqa: S108 - nothing is written there


class InstanceWithFixedHead:
    """An instance whose log never grows, whatever it acknowledges."""

    pid, address, token, board, connection = 0, "http://nowhere", "", None, None

    def log_head(self) -> int:
        return 7

    def wait_caught_up(self) -> float:
        return 0.0


class FakeSyncs:
    def per_second(self) -> float:
        return 700.0


def runner_with(load_result: LoadResult, patch: pytest.MonkeyPatch) -> RoundRunner:
    """A runner whose loads all have the same result."""
    patch.setattr(one_round, "run_module", lambda *_: load_result)
    patch.setattr(one_round, "track_wal_syncs", lambda _: contextlib.nullcontext(FakeSyncs()))
    return RoundRunner(
        Environment(cast("Any", InstanceWithFixedHead()), None, {}), RoundConfig(1, 1.0, 1.0, ()), RoundResult()
    )


def test_a_peer_that_refuses_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    fine, bad = LoadResult(1.0, [99], {503: 1}, [], 0, 0.1), LoadResult(1.0, [98], {503: 2}, [], 0, 0.1)
    runner_with(fine, monkeypatch).run_reads("R1 constant", "http://nowhere", HttpTarget("/"))
    with pytest.raises(RuntimeError, match="R1 constant: 2 requests were refused"):
        runner_with(bad, monkeypatch).run_reads("R1 constant", "http://nowhere", HttpTarget("/"))


def test_acknowledged_events_missing_from_the_log_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing, something = LoadResult(1.0, [0], {}, [], 0, 0.1), LoadResult(1.0, [1], {}, [], 0, 0.1)
    runner_with(nothing, monkeypatch).run_writes("W1", "create_tasks", [])
    with pytest.raises(RuntimeError, match="more requests were acknowledged"):
        runner_with(something, monkeypatch).run_writes("W1", "create_tasks", [])


@pytest.mark.skipif(not MEMORY.is_dir(), reason="a file system in memory is known to be there on Linux alone")
def test_nothing_is_measured_in_memory() -> None:
    with pytest.raises(NotDurable, match="TMPDIR"):
        require_on_disk(MEMORY / "bench")


def test_work_that_is_left_to_workers_belongs_to_the_usage_of_a_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a load looks cheap whose events are folded after it."""
    done: list[str] = []

    @contextlib.contextmanager
    def tracking(_: object) -> Iterator[dict[str, ResourceUsage]]:
        yield {}
        done.append("usage read")

    runner = runner_with(LoadResult(1.0, [0], {}, [], 0, 0.1), monkeypatch)
    monkeypatch.setattr(resource_usage, "track_usage", tracking)

    def wait(_: object) -> float:
        done.append("caught up")
        return 0.5

    monkeypatch.setattr(InstanceWithFixedHead, "wait_caught_up", wait)
    runner.run_writes("W1", "create_tasks", [])
    assert runner.result.wal_syncs_per_s == {"W1": 700}
    assert done == ["caught up", "usage read"]
    assert runner.result.lags_s == [0.5]


def test_a_round_tells_what_each_load_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    load = LoadResult(2.0, [80], {}, [], 0, 0.25, under_way_ms=[1.0] * 10, warm_up_answers=10, cpu_s=0.1)
    runner = runner_with(load, monkeypatch)
    runner.run_reads("R1", "http://nowhere", HttpTarget("/"))
    runner.result.resource_usage["R1"] |= {"api": ResourceUsage(0.2, 0), "stock": ResourceUsage(0.05, 0)}
    (cost,) = runner.result.costs()
    assert cost.cpu_us == {"api": 2_000, "peer": 500, "load generator": 1_000}, "of a hundred answers in all"
    assert (cost.per_second, cost.client_busy_share, cost.wal_syncs_per_s) == (40, 0.25, None)


def test_wrong_answers_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = LoadResult(1.0, [98], {}, [], 0, 0.1, wrong=2)
    with pytest.raises(RuntimeError, match="R1: 2 requests were refused or answered wrongly"):
        runner_with(wrong, monkeypatch).run_reads("R1", "http://nowhere", HttpTarget("/"))


def test_answers_are_compared_where_the_right_one_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[LoadPlan] = []
    runner = runner_with(LoadResult(1.0, [1], {}, [], 0, 0.1), monkeypatch)

    def run(_: str, plan: LoadPlan, *__: object) -> LoadResult:
        plans.append(plan)
        return LoadResult(1.0, [1], {}, [], 0, 0.1)

    monkeypatch.setattr(one_round, "run_module", run)
    for target in (HttpTarget("/"), HttpTarget("/", expected_body="milk")):
        runner.run_reads("R1", "http://nowhere", target)
    assert [plan.script for plan in plans] == ["get_repeatedly", "get_and_compare"]


def test_a_role_that_need_not_wait_for_the_disk_is_found(settings: Settings) -> None:
    with connect(settings.migration_url) as connection, connection.transaction(force_rollback=True):
        assert find_role_settings(connection) == []
        connection.execute("create role hasty")
        connection.execute("alter role hasty set synchronous_commit = off")
        assert find_role_settings(connection) == ["synchronous_commit=off"]
