"""Rate limits: exact across all processes while Redis answers, one quota per process while it does not."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import redis.asyncio

from domain.errors import TooBusy, TooManyGuesses, TooManyInvitations, TooManyRegistrations, WrongCredentials
from infra.identity.client_network import client_network
from infra.messaging import redis_clients
from infra.rate_limits import attempts, local, shared
from infra.rate_limits.attempts import AttemptLimits
from infra.rate_limits.limit import ACCOUNT_LIMIT, ADDRESS_LIMIT, INVITATION_LIMIT, REGISTRATION_LIMIT
from infra.rate_limits.local import LocalRateLimits
from tests.examples import fixed_uuid7
from tests.servers import Servers

UNREACHABLE_REDIS_URL = "redis://127.0.0.1:1/0"
ACCOUNT_INTERVAL_S = 60


@pytest.fixture
def key() -> str:
    """The master key of an installation for this test only."""
    return uuid4().hex


@pytest.fixture
async def client(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[redis.asyncio.Redis]:
    """A client with a timeout long enough for a busy machine: limits are exact only while Redis answers."""
    monkeypatch.setattr(redis_clients, "REDIS_S", 30.0)
    client = redis_clients.cache_client(servers.redis_url)
    yield client
    await client.aclose(close_connection_pool=True)


async def guess_wrongly(limits: AttemptLimits, account: int = 1, address: str = "10.0.0.1") -> int:
    """Guess a wrong password; returns 0, or the seconds to wait before the next guess."""
    try:
        with contextlib.suppress(WrongCredentials):
            async with limits.charge_guess(fixed_uuid7(account), address):
                raise WrongCredentials
    except TooManyGuesses as refusal:
        return int(refusal.params["retry_after"])
    return 0


async def guess_rightly(limits: AttemptLimits, account: int = 1, address: str = "10.0.0.1") -> None:
    async with limits.charge_guess(fixed_uuid7(account), address):
        await asyncio.sleep(0)


async def advance_redis_clock(client: redis.asyncio.Redis, seconds: int) -> None:
    """Move every stored time closer; this affects the keys of other tests too, and only relaxes their limits."""
    async for name in client.scan_iter("taskledger:limit:*"):
        if stored := await client.get(name):
            await client.set(name, int(stored) - seconds * 1_000_000, keepttl=True)


@pytest.mark.parametrize("where", ["redis", "memory"])
async def test_guesses_are_limited_per_account(client: redis.asyncio.Redis, key: str, where: str) -> None:
    limits = AttemptLimits(
        client if where == "redis" else redis_clients.cache_client(UNREACHABLE_REDIS_URL), key, is_enabled=True
    )
    assert [await guess_wrongly(limits) for _ in range(ACCOUNT_LIMIT.quota)] == [0] * ACCOUNT_LIMIT.quota
    assert 0 < await guess_wrongly(limits) <= ACCOUNT_INTERVAL_S
    with pytest.raises(TooManyGuesses) as refusal:
        await guess_rightly(limits)
    assert refusal.value.params["policy"] == "account"


async def test_guesses_side_by_side_in_two_processes_are_counted_exactly(client: redis.asyncio.Redis, key: str) -> None:
    both = [AttemptLimits(client, key, is_enabled=True), AttemptLimits(client, key, is_enabled=True)]
    answers = await asyncio.gather(*(guess_wrongly(both[number % 2]) for number in range(60)))
    assert answers.count(0) == ACCOUNT_LIMIT.quota


async def test_one_more_guess_after_each_interval(
    client: redis.asyncio.Redis, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(local, "time", SimpleNamespace(monotonic=lambda: now))
    limits = AttemptLimits(client, key, is_enabled=True)
    for _ in range(ACCOUNT_LIMIT.quota):
        await guess_wrongly(limits)
    for _ in range(3):
        now += ACCOUNT_INTERVAL_S
        await advance_redis_clock(client, ACCOUNT_INTERVAL_S)
        assert await guess_wrongly(limits) == 0
        assert await guess_wrongly(limits) > 0


def test_a_local_attempt_is_due_exactly_after_its_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """At any time of the clock: about one in thirty of these failed while times were fractional seconds."""
    for start in range(1_000):
        clock = SimpleNamespace(now=1_000 + start * 0.7)
        monkeypatch.setattr(local, "time", SimpleNamespace(monotonic=lambda clock=clock: clock.now))
        limits, account = LocalRateLimits(), {"ann": ACCOUNT_LIMIT}
        assert [limits.charge(account).wait_us for _ in range(ACCOUNT_LIMIT.quota)] == [0] * ACCOUNT_LIMIT.quota
        clock.now += ACCOUNT_INTERVAL_S
        assert limits.charge(account).wait_us == 0, f"at {clock.now}"
        assert limits.charge(account).wait_us > 0


@pytest.mark.parametrize("where", ["redis", "memory"])
async def test_successful_logins_are_never_limited(client: redis.asyncio.Redis, key: str, where: str) -> None:
    limits = AttemptLimits(
        client if where == "redis" else redis_clients.cache_client(UNREACHABLE_REDIS_URL), key, is_enabled=True
    )
    for _ in range(3 * ADDRESS_LIMIT.quota):
        await guess_rightly(limits)
    assert [await guess_wrongly(limits) for _ in range(ACCOUNT_LIMIT.quota)] == [0] * ACCOUNT_LIMIT.quota


async def test_a_cancelled_attempt_counts_as_a_guess(client: redis.asyncio.Redis, key: str) -> None:
    limits = AttemptLimits(client, key, is_enabled=True)

    async def be_cancelled() -> None:
        async with limits.charge_guess(fixed_uuid7(1), "10.0.0.1"):
            raise asyncio.CancelledError

    for _ in range(ACCOUNT_LIMIT.quota):
        with pytest.raises(asyncio.CancelledError):
            await be_cancelled()
    assert await guess_wrongly(limits) > 0


async def test_guesses_from_one_address_lock_no_other_out(client: redis.asyncio.Redis, key: str) -> None:
    limits = AttemptLimits(client, key, is_enabled=True)
    while not await guess_wrongly(limits, address="10.0.0.66"):
        pass
    await guess_rightly(limits, address="10.0.0.1")
    assert await guess_wrongly(limits, account=2, address="10.0.0.66") == 0


@pytest.mark.parametrize("where", ["redis", "memory"])
async def test_guesses_at_many_accounts_are_limited_by_address(
    client: redis.asyncio.Redis, key: str, where: str
) -> None:
    limits = AttemptLimits(
        client if where == "redis" else redis_clients.cache_client(UNREACHABLE_REDIS_URL), key, is_enabled=True
    )
    assert [await guess_wrongly(limits, account) for account in range(ADDRESS_LIMIT.quota)] == [0] * ADDRESS_LIMIT.quota
    with pytest.raises(TooManyGuesses) as refusal:
        await guess_rightly(limits, account=ADDRESS_LIMIT.quota + 1)
    assert refusal.value.params["policy"] == "address"
    assert await guess_wrongly(limits, 1, address="10.0.0.2") == 0


@pytest.mark.parametrize("failing", [{0}, {9}, set(range(0, 60, 2)), set(range(5, 60))])
async def test_losing_redis_grants_no_second_allowance(
    client: redis.asyncio.Redis, key: str, monkeypatch: pytest.MonkeyPatch, failing: set[int]
) -> None:
    """Whichever Redis calls fail, a process allows no more attempts than one that never lost Redis."""
    monkeypatch.setattr(shared, "REDIS_RETRY_PAUSE_S", 0.0)
    evalsha, calls = client.evalsha, itertools.count()

    async def fail_some(*arguments: Any) -> object:
        if next(calls) in failing:
            await raise_connection_error()
        return await evalsha(*arguments)

    monkeypatch.setattr(client, "evalsha", fail_some)
    limits = AttemptLimits(client, key, is_enabled=True)
    waits_s = [await guess_wrongly(limits) for _ in range(3 * ACCOUNT_LIMIT.quota)]
    assert [wait == 0 for wait in waits_s] == [at < ACCOUNT_LIMIT.quota for at in range(3 * ACCOUNT_LIMIT.quota)]


async def test_an_attempt_that_redis_refuses_is_not_counted_locally(
    client: redis.asyncio.Redis, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = AttemptLimits(client, key, is_enabled=True), AttemptLimits(client, key, is_enabled=True)
    while not await guess_wrongly(one):
        pass
    for _ in range(2 * ACCOUNT_LIMIT.quota):
        assert await guess_wrongly(other) > 0
    monkeypatch.setattr(client, "evalsha", raise_connection_error)
    assert [await guess_wrongly(other) for _ in range(ACCOUNT_LIMIT.quota)] == [0] * ACCOUNT_LIMIT.quota


async def test_redis_is_used_again_when_it_returns(
    client: redis.asyncio.Redis, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "REDIS_RETRY_PAUSE_S", 0.0)
    one, other = AttemptLimits(client, key, is_enabled=True), AttemptLimits(client, key, is_enabled=True)
    while not await guess_wrongly(one):
        pass
    evalsha = client.evalsha
    monkeypatch.setattr(client, "evalsha", raise_connection_error)
    assert await guess_wrongly(other) == 0
    monkeypatch.setattr(client, "evalsha", evalsha)
    assert await guess_wrongly(other) > 0


async def raise_connection_error(*_: object) -> None:
    raise redis.exceptions.ConnectionError("away")


async def test_installations_on_one_redis_do_not_count_for_each_other(client: redis.asyncio.Redis, key: str) -> None:
    one, other = AttemptLimits(client, key, is_enabled=True), AttemptLimits(client, uuid4().hex, is_enabled=True)
    while not await guess_wrongly(one):
        pass
    assert await guess_wrongly(other) == 0


async def test_disabled_limits_count_nothing(key: str) -> None:
    limits = AttemptLimits(redis_clients.cache_client(UNREACHABLE_REDIS_URL), key, is_enabled=False)
    assert {await guess_wrongly(limits) for _ in range(3 * ACCOUNT_LIMIT.quota)} == {0}
    assert {await invite(limits) for _ in range(2 * INVITATION_LIMIT.quota)} == {True}


async def test_redis_keys_are_anonymous_and_expire(client: redis.asyncio.Redis, key: str) -> None:
    before = {name async for name in client.scan_iter("taskledger:limit:*")}
    await guess_wrongly(AttemptLimits(client, key, is_enabled=True))
    names = {name async for name in client.scan_iter("taskledger:limit:*")} - before
    assert len(names) >= 2
    for name in names:
        assert b"10.0.0.1" not in name
        assert str(fixed_uuid7(1)).encode() not in name
        assert 0 < await client.pttl(name) <= 1000 * ADDRESS_LIMIT.window_s


@pytest.fixture
def real_registration_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit that the test run relaxes."""
    monkeypatch.setattr(attempts, "REGISTRATION_LIMIT", REGISTRATION_LIMIT)


async def register(limits: AttemptLimits, network: str = "10.0.0.1") -> bool:
    try:
        async with limits.charge_registration(network):
            pass
    except TooManyRegistrations:
        return False
    return True


@pytest.mark.usefixtures("real_registration_limit")
@pytest.mark.parametrize("where", ["redis", "memory"])
async def test_registrations_are_limited_per_network(client: redis.asyncio.Redis, key: str, where: str) -> None:
    redis_client = client if where == "redis" else redis_clients.cache_client(UNREACHABLE_REDIS_URL)
    limits = AttemptLimits(redis_client, key, is_enabled=True)
    answers = await asyncio.gather(*(register(limits) for _ in range(2 * REGISTRATION_LIMIT.quota)))
    assert answers.count(True) == REGISTRATION_LIMIT.quota
    assert await register(limits, "10.0.0.2")
    assert await guess_wrongly(limits) == 0


@pytest.mark.usefixtures("real_registration_limit")
async def test_registrations_at_two_processes_are_counted_together(client: redis.asyncio.Redis, key: str) -> None:
    both = [AttemptLimits(client, key, is_enabled=True), AttemptLimits(client, key, is_enabled=True)]
    answers = await asyncio.gather(*(register(both[at % 2]) for at in range(2 * REGISTRATION_LIMIT.quota)))
    assert answers.count(True) == REGISTRATION_LIMIT.quota


async def test_an_attempt_that_comes_to_nothing_is_not_a_guess(client: redis.asyncio.Redis, key: str) -> None:
    limits = AttemptLimits(client, key, is_enabled=True)
    for _ in range(2 * ACCOUNT_LIMIT.quota):
        with pytest.raises(TooBusy):
            async with limits.charge_guess(fixed_uuid7(1), "10.0.0.1"):
                raise TooBusy
    assert await guess_wrongly(limits) == 0


async def invite(limits: AttemptLimits, user: int = 1) -> bool:
    try:
        async with limits.charge_invitation(fixed_uuid7(user)):
            return True
    except TooManyInvitations:
        return False


@pytest.mark.parametrize("where", ["redis", "memory"])
async def test_invitations_are_limited_per_user(client: redis.asyncio.Redis, key: str, where: str) -> None:
    limits = AttemptLimits(
        client if where == "redis" else redis_clients.cache_client(UNREACHABLE_REDIS_URL), key, is_enabled=True
    )
    answers = await asyncio.gather(*(invite(limits) for _ in range(2 * INVITATION_LIMIT.quota)))
    assert answers.count(True) == INVITATION_LIMIT.quota
    with pytest.raises(TooManyInvitations) as refusal:
        async with limits.charge_invitation(fixed_uuid7(1)):
            pass
    expected = {
        "policy": "invitations",
        "quota": 20,
        "window": 3600,
        "retry_after": refusal.value.params["retry_after"],
    }
    assert refusal.value.params == expected
    assert 0 < expected["retry_after"] <= 180
    assert await invite(limits, user=2)
    assert await guess_wrongly(limits) == 0


@pytest.mark.parametrize("where", ["redis", "memory"])
async def test_a_failed_invitation_is_not_counted(client: redis.asyncio.Redis, key: str, where: str) -> None:
    limits = AttemptLimits(
        client if where == "redis" else redis_clients.cache_client(UNREACHABLE_REDIS_URL), key, is_enabled=True
    )
    for _ in range(2 * INVITATION_LIMIT.quota):
        with pytest.raises(WrongCredentials):
            async with limits.charge_invitation(fixed_uuid7(1)):
                raise WrongCredentials
    assert await invite(limits)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_clients_are_counted_by_ipv4_address_or_ipv6_network(address: str, counted: str) -> None:
    assert client_network(address) == counted
