"""Password hashing: registrations and log-ins take turns, and so do the networks of their clients."""

import asyncio
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from infra.identity import hashing
from infra.identity.fair_queue import MAX_WAITING_PER_NETWORK
from infra.identity.hashing import HASHING_NICENESS, MAX_CONCURRENT_HASHES, HashingTurns, Purpose
from tests import planted_defects
from tests.planted_defects import assert_async_check_fails

MAX_TURNS_AHEAD = 4 * MAX_CONCURRENT_HASHES
"""Those that run, and in each slot one of a registration and one of another network, with one more for luck."""


async def turns_before_a_log_in(network: str, crowd: Sequence[tuple[Purpose, str]]) -> int:
    """How many turns began before that of a log-in which came when a crowd was waiting."""
    turns, begun = HashingTurns(), list[str]()

    async def take_turn(purpose: Purpose, of: str, name: str) -> None:
        async with turns.turn(purpose, of):
            begun.append(name)
            await asyncio.sleep(0)

    waiting = [asyncio.create_task(take_turn(purpose, of, "crowd")) for purpose, of in crowd]
    await asyncio.sleep(0)  # all have joined
    already = len(begun)
    await take_turn("log-in", network, "log-in")
    await asyncio.gather(*waiting)
    assert len(begun) == len(crowd) + 1
    return begun.index("log-in") - already


async def a_log_in_from_elsewhere_waits_for_few_turns() -> None:
    """While the queues are full of guesses and registrations from one network."""
    crowd: list[tuple[Purpose, str]] = [("log-in", "bad"), ("registration", "bad")] * MAX_WAITING_PER_NETWORK
    assert await turns_before_a_log_in("good", crowd) <= MAX_TURNS_AHEAD


async def a_log_in_waits_for_few_registrations_of_its_own_network() -> None:
    crowd: list[tuple[Purpose, str]] = [("registration", "office")] * MAX_WAITING_PER_NETWORK
    assert await turns_before_a_log_in("office", crowd) <= MAX_TURNS_AHEAD


FAIRNESS_CHECKS = [
    a_log_in_from_elsewhere_waits_for_few_turns,
    a_log_in_waits_for_few_registrations_of_its_own_network,
]


@pytest.mark.parametrize("check", FAIRNESS_CHECKS)
async def test_fairness(check: Any) -> None:
    await check()


@pytest.mark.parametrize("check", FAIRNESS_CHECKS)
async def test_one_queue_for_all_hashing_is_noticed(monkeypatch: pytest.MonkeyPatch, check: Any) -> None:
    planted_defects.one_queue_for_all_hashing(monkeypatch)
    await assert_async_check_fails(check)


async def test_a_cancelled_wait_keeps_no_slot() -> None:
    """Cancelled while it waits, and just after its turn was given to it."""
    turns = HashingTurns()

    async def take_turn() -> None:
        async with turns.turn("log-in", "a"):
            await asyncio.sleep(0)

    for cancelled in range(10):
        waiting = [asyncio.create_task(take_turn()) for _ in range(10)]
        for _ in range(cancelled):
            await asyncio.sleep(0)
        for one in waiting[::2]:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert turns._free_slots == MAX_CONCURRENT_HASHES, cancelled  # noqa: SLF001 - what a leak would lessen


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own elsewhere")
async def test_hashing_runs_at_a_lower_priority_than_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    def niceness(_: str) -> str:
        return str(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    monkeypatch.setattr(hashing, "_HASHER", type("Asking", (), {"hash": staticmethod(niceness)}))
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert int(await hashing.hash_password("")) == min(own + HASHING_NICENESS, 19)
