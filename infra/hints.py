"""Hints: messages that tell workers to look at the log. Losing one costs a moment, never data."""

import threading
import time
from typing import Protocol

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from infra.broker import QUEUE
from infra.logs import logger
from projections import projection

CROWD, GATHER_S = 4, 0.01
"""After a batch of so many events others will follow: a worker lets them gather so long, since each batch costs."""
AGAIN_S = 0.1
"""A hint that nobody answers is given again."""
ENOUGH = 4
"""So many waiting messages for each projection are enough."""


class Hearing(Protocol):
    """What is heard of the projections."""

    def heard(self, projection: str) -> int:
        """The position that it is known to have read up to."""

    def at_work(self, projection: str) -> bool:
        """Whether it will look again by itself within moments."""


class Hints:
    """Sends hints from a thread of its own, because sending blocks.

    A projection that is behind is told so at once, unless it is at work and looks again by itself; and told
    again where it does not get as far as it was told of.
    """

    def __init__(self, broker: RedisBroker, hearing: Hearing) -> None:
        self._broker = broker
        self._hearing = hearing
        self._position = 0
        self._told: dict[str, tuple[int, float]] = {}
        self._wanted = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def give(self, position: int) -> None:
        """See to it that all is folded up to a position; returns at once."""
        self._position = max(self._position, position)
        if not all(map(self._hearing.at_work, projection.every())):
            self._wanted.set()

    def stop(self) -> None:
        """Send what is still wanted, and end."""
        self._end.set()
        self._wanted.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._end.is_set():
            self._wanted.clear()
            behind = self._behind()
            self._send([name for name, heard in behind.items() if self._is_due(name, heard)])
            self._wanted.wait(2 * GATHER_S if behind else AGAIN_S)
        self._send(list(self._behind()))

    def _behind(self) -> dict[str, int]:
        """The projections that are not known to have come so far, with how far they are known to have come."""
        heard = {name: self._hearing.heard(name) for name in projection.every()}
        return {name: position for name, position in heard.items() if position < self._position}

    def _is_due(self, name: str, heard: int) -> bool:
        told, at = self._told.get(name, (0, 0.0))
        now = time.monotonic()
        if self._hearing.at_work(name) or (heard < told and now < at + AGAIN_S):
            return False
        self._told[name] = (self._position, now)
        return True

    def _send(self, names: list[str]) -> None:
        try:
            # Whoever takes up a message that lies there sees what was committed before now. Without workers
            # the queue would grow for ever.
            if names and self._broker.client.llen(f"{self._broker.namespace}:{QUEUE}") < ENOUGH * len(names):
                for name in names:
                    self._broker.enqueue(message(name))
        except Exception as error:  # noqa: BLE001 - a hint may get lost: the worker looks by itself
            logger.warning("no hint could be sent: {}", error)


def message(name: str, partition: int = 0) -> dramatiq.Message[None]:
    """The message that asks a worker to fold what is new for one projection."""
    return dramatiq.Message(
        queue_name=QUEUE, actor_name="project", args=(name, partition), kwargs={}, options={"max_retries": 0}
    )
