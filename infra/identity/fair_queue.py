"""A fair queue: the networks in it take turns, so none waits for all that another one sent before."""

import asyncio
from collections import deque

from domain.errors import TooBusy

MAX_WAITING, MAX_WAITING_PER_NETWORK = 64, 32
"""Of one queue, and of one network in it: what a process hashes in the seconds that a client waits."""


class FairQueue:
    """Waiters by network: first in, first out within a network. A full queue refuses the network with the most."""

    def __init__(self) -> None:
        self._waiters_by_network: dict[str, deque[asyncio.Future[None]]] = {}

    def join(self, network: str) -> asyncio.Future[None]:
        """A future that `admit_next` completes. TooBusy is raised here, or later by a future that made room."""
        waiters = self._waiters_by_network.get(network, deque())
        if len(waiters) >= MAX_WAITING_PER_NETWORK:
            raise TooBusy
        if sum(map(len, self._waiters_by_network.values())) >= MAX_WAITING:
            longest = max(self._waiters_by_network.values(), key=len)
            if len(longest) <= len(waiters) + 1:
                raise TooBusy
            last = longest.pop()
            if not last.done():
                last.set_exception(TooBusy())
        waiter = asyncio.get_running_loop().create_future()
        waiters.append(waiter)
        self._waiters_by_network[network] = waiters
        return waiter

    def leave(self, network: str, waiter: asyncio.Future[None]) -> None:
        """Forget a waiter that no longer waits."""
        waiters = self._waiters_by_network.get(network, deque())
        if waiter in waiters:
            waiters.remove(waiter)
            if not waiters:
                del self._waiters_by_network[network]

    def admit_next(self) -> bool:
        """Complete the future whose turn it is; False if none waits."""
        while self._waiters_by_network:
            network = next(iter(self._waiters_by_network))
            waiters = self._waiters_by_network.pop(network)
            waiter = waiters.popleft()
            if waiters:
                self._waiters_by_network[network] = waiters  # at the end
            if not waiter.done():  # it may have been cancelled a moment ago
                waiter.set_result(None)
                return True
        return False
