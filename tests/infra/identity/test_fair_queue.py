"""The fair queue: networks take turns, and a full queue refuses the network that has most in it."""

import asyncio

import pytest

from domain.errors import TooBusy
from infra.identity.fair_queue import MAX_WAITING, MAX_WAITING_PER_NETWORK, FairQueue


def admitted(queue: FairQueue, waiters: dict[str, "asyncio.Future[None]"]) -> list[str]:
    """The names of the waiters in the order in which they are admitted."""
    order: list[str] = []
    while queue.admit_next():
        order += [name for name, waiter in waiters.items() if waiter.done() and name not in order]
    return order


async def test_networks_take_turns() -> None:
    queue = FairQueue()
    waiters = {name: queue.join(name[0]) for name in ("a1", "a2", "a3", "b1", "c1", "b2")}
    assert admitted(queue, waiters) == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_an_empty_queue_admits_none() -> None:
    queue = FairQueue()
    assert not queue.admit_next()
    queue.join("a")
    assert queue.admit_next()
    assert not queue.admit_next()


async def test_a_network_has_a_bound_of_its_own() -> None:
    queue = FairQueue()
    for _ in range(MAX_WAITING_PER_NETWORK):
        queue.join("a")
    with pytest.raises(TooBusy):
        queue.join("a")
    queue.join("b")


async def test_a_full_queue_refuses_the_last_of_the_network_with_most() -> None:
    queue = FairQueue()
    crowd = [queue.join("crowd") for _ in range(MAX_WAITING_PER_NETWORK)]
    for number in range(MAX_WAITING - MAX_WAITING_PER_NETWORK):
        queue.join(f"single {number}")
    newcomer = queue.join("newcomer")
    assert isinstance(crowd[-1].exception(), TooBusy)
    assert not any(waiter.done() for waiter in [*crowd[:-1], newcomer])


async def test_a_full_queue_of_single_waiters_refuses_the_newcomer() -> None:
    queue = FairQueue()
    for number in range(MAX_WAITING):
        queue.join(f"single {number}")
    with pytest.raises(TooBusy):
        queue.join("newcomer")


async def test_a_cancelled_waiter_is_passed_over() -> None:
    queue = FairQueue()
    first, second = queue.join("a"), queue.join("a")
    first.cancel()
    assert queue.admit_next()
    assert second.done()


async def test_a_waiter_that_left_is_not_admitted() -> None:
    queue = FairQueue()
    first, second, third = queue.join("a"), queue.join("a"), queue.join("b")
    queue.leave("a", first)
    queue.leave("b", third)
    assert queue.admit_next()
    assert (first.done(), second.done(), third.done()) == (False, True, False)
    assert not queue.admit_next()
