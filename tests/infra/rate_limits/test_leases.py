"""Leases: what processes let through by themselves, and what they settle with Redis in the background."""

import asyncio
import typing
from collections.abc import AsyncIterator, Sequence
from typing import Literal, NoReturn
from uuid import uuid4

import pytest
import redis
import redis.asyncio
from hypothesis import strategies as st
from msgspec import Struct

from infra.messaging import redis_clients
from infra.rate_limits import leases as leases_module
from infra.rate_limits.lease import LEASES_PER_QUOTA, Lease, spend
from infra.rate_limits.leases import Leases, now_us
from infra.rate_limits.limit import RateLimit
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.servers import Servers

LIMIT = RateLimit("read-token", 20, 2)
LEASE = LIMIT.quota // LEASES_PER_QUOTA
PROCESSES = 3
Action = Literal["request", "report", "hear", "request and settle", "request while it settles"]


class Step(Struct, frozen=True):
    """At `after_us` since the last step, a process does something several times."""

    process: int
    action: Action
    times: int
    after_us: int


steps = st.builds(
    Step,
    st.integers(0, PROCESSES - 1),
    st.sampled_from(typing.get_args(Action)),
    st.integers(1, 30),
    st.sampled_from([0, 0, 1, 30_000, 100_000, 1_000_000]),
)


_PARTS: dict[Action, list[str]] = {
    "request": ["request"],
    "report": ["report"],
    "hear": ["hear"],
    "request and settle": ["request", "report", "hear"],
    "request while it settles": ["report", "request", "hear"],
}


class SharedLevel:
    """What the script in Redis does, with a clock of the test."""

    def __init__(self) -> None:
        self.full_at = 0

    def add(self, now: int, count: int) -> int:
        level = max(self.full_at - now, 0) + count * LIMIT.interval_us
        self.full_at = now + min(level, leases_module.MAX_DEBT_WINDOWS * LIMIT.window_us)
        return self.full_at - now


def passed_times(history: Sequence[Step], processes: int) -> list[int]:
    """When a request was let through, for processes that report, and hear the answer some time later or never."""
    leases, shared, now, passed = [Lease("", LIMIT) for _ in range(processes)], SharedLevel(), 10_000_000, list[int]()
    answers = dict[Lease, int]()
    for step in history:
        now += step.after_us
        lease = leases[step.process % processes]
        for action in _PARTS[step.action] * step.times:
            if action == "request" and spend([lease], now, [])[1] >= 0:
                passed.append(now)
            elif action == "report":
                answers[lease] = shared.add(now, lease.begin_settling(now))
            elif action == "hear" and lease in answers:
                lease.end_settling(now, answers.pop(lease))
    return passed


def most_beyond_limit(passed: Sequence[int]) -> float:
    """The most that any window had beyond the quota and what became free again in it."""
    return max(
        (
            last - first + 1 - LIMIT.quota - (passed[last] - passed[first]) / LIMIT.interval_us
            for first in range(len(passed))
            for last in range(first, len(passed))
        ),
        default=0,
    )


@law(st.lists(steps, max_size=30), examples=150)
def processes_exceed_a_limit_by_one_lease_each_at_most(history: list[Step]) -> None:
    assert most_beyond_limit(passed_times(history, PROCESSES)) <= PROCESSES * LEASE


@law(st.lists(steps, max_size=30), examples=100)
def one_process_never_exceeds_a_limit(history: list[Step]) -> None:
    assert most_beyond_limit(passed_times(history, 1)) <= 0


@law(st.lists(st.sampled_from([0, 1, 30_000, 100_000, 150_000, 1_000_000]), max_size=150), examples=100)
def a_process_alone_counts_as_redis_does(pauses_us: list[int]) -> None:
    """Settled after each request or never, a lease lets the same requests through as the algorithm on one clock."""
    settled, alone, shared = Lease("", LIMIT), Lease("", LIMIT), SharedLevel()
    alone.max_unsettled = len(pauses_us) + 1
    now = 10_000_000
    for pause_us in pauses_us:
        now += pause_us
        is_due = max(shared.full_at, now) + LIMIT.interval_us - now <= LIMIT.window_us
        assert [spend([one], now, [])[1] >= 0 for one in (settled, alone)] == [is_due, is_due]
        settled.end_settling(now, shared.add(now, settled.begin_settling(now)))


def test_laws_of_leases() -> None:
    processes_exceed_a_limit_by_one_lease_each_at_most()
    one_process_never_exceeds_a_limit()
    a_process_alone_counts_as_redis_does()


def test_a_lease_without_end_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.rate_limits.lease.LEASES_PER_QUOTA", 0.1)
    assert_check_fails(processes_exceed_a_limit_by_one_lease_each_at_most)


def test_a_level_that_ignores_other_processes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def keep_own(lease: Lease, now: int, shared_level_us: int) -> None:
        lease.owed = 0

    monkeypatch.setattr(Lease, "end_settling", keep_own)
    assert_check_fails(processes_exceed_a_limit_by_one_lease_each_at_most)


def test_a_report_that_is_forgotten_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests while a report is on its way are not added to the level that it returns."""

    def forget(lease: Lease, now: int, shared_level_us: int) -> None:
        lease.owed, lease.unsettled, lease.full_at = 0, 0, now + shared_level_us

    monkeypatch.setattr(Lease, "end_settling", forget)
    assert_check_fails(one_process_never_exceeds_a_limit)


def test_an_absence_of_redis_leaves_no_debt() -> None:
    """After an hour at full rate, a process reports what has not run off, at most the quota."""
    lease, now = Lease("", LIMIT), 10_000_000
    for _ in range(3_600):
        now += 1_000_000
        assert spend([lease], now, [])[1] >= 0
        for _ in range(20):
            spend([lease], now, [])
        assert lease.begin_settling(now) <= LIMIT.quota + LEASE
    now += LIMIT.window_us
    assert lease.begin_settling(now) == 0


def test_a_request_counts_on_all_leases_or_on_none() -> None:
    wide, narrow = Lease("", RateLimit("wide", 100, 10)), Lease("", RateLimit("narrow", 20, 10))
    touched, answers = list[Lease](), list[tuple[Lease, int]]()
    for _ in range(30):
        answers.append(spend([wide, narrow], 1_000, touched))
        narrow.unsettled = wide.unsettled = 0
    assert [level >= 0 for _, level in answers] == [True] * 20 + [False] * 10
    assert {lease for lease, _ in answers} == {narrow}
    assert (wide.level_us(1_000), narrow.level_us(1_000)) == (20 * wide.interval_us, 20 * narrow.interval_us)
    assert touched == [wide, narrow]


@pytest.fixture
async def client(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[redis.asyncio.Redis]:
    monkeypatch.setattr(redis_clients, "REDIS_S", 30.0)
    client = redis_clients.cache_client(servers.redis_url)
    yield client
    await client.aclose(close_connection_pool=True)


def passed_count(leases: Leases, times: int, owner: str = "ann") -> int:
    """How many of so many requests are let through now."""
    lease = leases.find(MINUTE_LIMIT, owner)
    return sum(spend([lease], now_us(), leases.touched)[1] >= 0 for _ in range(times))


MINUTE_LIMIT = RateLimit("write-token", 100, 3600)


async def test_two_processes_share_a_limit(client: redis.asyncio.Redis) -> None:
    key = uuid4().hex
    both, passed = [Leases(client, key), Leases(client, key)], 0
    for _ in range(40):
        for one in both:
            passed += passed_count(one, 3)
            await one.settle()
    assert MINUTE_LIMIT.quota <= passed <= MINUTE_LIMIT.quota + 2 * (MINUTE_LIMIT.quota // LEASES_PER_QUOTA)
    assert [passed_count(one, 3) for one in both] == [0, 0]
    assert [passed_count(one, 3, "bob") for one in both] == [3, 3]


async def test_without_redis_a_process_counts_alone_and_later_reports(client: redis.asyncio.Redis) -> None:
    key, away = uuid4().hex, redis_clients.cache_client("redis://127.0.0.1:1/0")
    lonely, passed = Leases(away, key), 0
    for _ in range(60):
        passed += passed_count(lonely, 5)
        with pytest.raises(redis.RedisError):
            await lonely.settle()
    assert passed == MINUTE_LIMIT.quota
    lonely._settle_script = Leases(client, key)._settle_script  # noqa: SLF001 - Redis returns
    await lonely.settle()
    other = Leases(client, key)
    passed_count(other, 1)
    await other.settle()
    assert passed_count(other, 5) == 0


async def test_leases_are_settled_in_the_background(client: redis.asyncio.Redis) -> None:
    one = Leases(client, uuid4().hex)
    settling = asyncio.create_task(one.settle_forever())
    assert passed_count(one, 5) == 5
    async with asyncio.timeout(30):
        while not await client.exists(one.find(MINUTE_LIMIT, "ann").key):  # noqa: ASYNC110 - Redis sends no event
            await asyncio.sleep(0.01)
    settling.cancel()


async def test_keys_reveal_no_owner_and_expire(client: redis.asyncio.Redis) -> None:
    one = Leases(client, uuid4().hex)
    passed_count(one, 5, "203.0.113.77")
    await one.settle()
    key = one.find(MINUTE_LIMIT, "203.0.113.77").key
    assert "203.0.113" not in key
    assert 0 < await client.pttl(key) <= 5 * 36_000


async def test_leases_that_are_whole_are_dropped_first(
    client: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases_module, "MAX_LEASES", 20)
    one = Leases(client, uuid4().hex)
    used = one.find(MINUTE_LIMIT, "ann")
    passed_count(one, 5)
    for number in range(20):
        one.find(MINUTE_LIMIT, str(number))
    await one.settle()
    assert one.find(MINUTE_LIMIT, "ann") is used
    assert one.generation == 1


async def test_leases_are_bounded_while_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases_module, "MAX_LEASES", 20)
    lonely = Leases(redis_clients.cache_client("redis://127.0.0.1:1/0"), uuid4().hex)
    for number in range(200):
        passed_count(lonely, 1, str(number))
        assert len(lonely._leases) <= 20  # noqa: SLF001 - its memory
        assert len(lonely.touched) <= 20
        if number % 7 == 0:
            with pytest.raises(redis.RedisError):
                await lonely.settle()
    assert lonely.find(MINUTE_LIMIT, "199").unsettled + lonely.find(MINUTE_LIMIT, "199").owed == 1


async def test_leases_dropped_while_they_are_settled_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases_module, "MAX_LEASES", 20)
    lonely = Leases(redis_clients.cache_client("redis://127.0.0.1:1/0"), uuid4().hex)

    async def fill_and_fail(**_: object) -> NoReturn:
        for number in range(20):
            passed_count(lonely, 1, f"late {number}")
        raise redis.ConnectionError

    passed_count(lonely, 1, "early")
    early = lonely.find(MINUTE_LIMIT, "early")
    lonely._settle_script = fill_and_fail  # type: ignore[assignment] # noqa: SLF001 - others arrive meanwhile
    with pytest.raises(redis.ConnectionError):
        await lonely.settle()
    assert early not in lonely.touched
    assert len(lonely.touched) <= 20
