"""Password hashing (argon2id): slow by design, so in threads of low priority, with fair turns."""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeAlias

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import Overloaded, TooBusy
from infra.admission import waiting
from infra.identity.fair_queue import FairQueue
from infra.identity.refusal_pause import pause_before_refusal

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""The minimum in OWASP's password storage cheat sheet for argon2id: 19 MiB, two passes, one lane."""
_DUMMY_HASH = _HASHER.hash("nobody's password")
MAX_CONCURRENT_HASHES = max(1, min(4, (os.cpu_count() or 1) // 2))
"""In one process, which leaves the other cores to its event loop, to PostgreSQL and to the workers."""
HASHING_NICENESS = 3
"""Of hashing threads: while cores are scarce, a hash gets half of what the event loop gets (Linux only)."""
Purpose: TypeAlias = Literal["log-in", "registration"]
"""What a turn is for. The purposes alternate: neither waits for more than one turn of the other before its own next."""


class HashingTurns:
    """Who may hash now: at most a few at once. The others wait in fair queues, one for each purpose."""

    def __init__(self) -> None:
        self._queues: dict[Purpose, FairQueue] = {"log-in": FairQueue(), "registration": FairQueue()}
        self._free_slots = MAX_CONCURRENT_HASHES

    @contextlib.asynccontextmanager
    async def turn(self, purpose: Purpose, network: str) -> AsyncIterator[None]:
        """Runs the block in the turn of a client of this network. Raises TooBusy if too many wait."""
        if self._free_slots:
            self._free_slots -= 1
        else:
            await self._wait_for_slot(purpose, network)
        try:
            yield
        finally:
            self._release_slot()

    async def _wait_for_slot(self, purpose: Purpose, network: str) -> None:
        queue = self._queues[purpose]
        try:
            waiter = queue.join(network)
        except TooBusy:
            await pause_before_refusal()
            raise
        try:
            with waiting("turn to hash"):
                await waiter
        except (asyncio.CancelledError, Overloaded):
            queue.leave(network, waiter)
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._release_slot()
            raise

    def _release_slot(self) -> None:
        """Hand the slot on, if possible to the purpose that did not have the last one."""
        for purpose, queue in list(self._queues.items()):
            if queue.admit_next():
                self._queues[purpose] = self._queues.pop(purpose)  # at the end
                return
        self._free_slots += 1


async def hash_password(password: str) -> str:
    """The hash of a password, safe to store."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _HASHER.hash, password)


async def is_hash_of(hashed: str | None, password: str) -> bool:
    """Whether it is the hash of this password; it takes as long for None."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _matches, hashed or _DUMMY_HASH, password)


def _matches(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def _lower_priority() -> None:
    if sys.platform == "linux":  # where a thread has a priority of its own
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + HASHING_NICENESS)


_threads = ThreadPoolExecutor(MAX_CONCURRENT_HASHES, "hashing", _lower_priority)
