"""Hints: messages that tell workers to look at the log. Losing one costs a moment, never data."""

import threading
import time
from typing import Protocol

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from msgspec import Struct

from infra.logs import logger
from infra.messaging.broker import QUEUE

CROWD, GATHER_S = 4, 0.01
"""After a batch of so many events others will follow: a worker lets them gather so long, since each batch costs."""
AGAIN_S, TIMES = 0.1, 3
"""A hint that nobody answers is given again so many times; then the worker's own look will do."""
ENOUGH = 4
"""So many waiting messages for each partition are enough."""


class Hearing(Protocol):
    """What is heard of the projections, partition by partition."""

    def heard(self, partition: int) -> int:
        """The position that all projections are known to have read up to there."""

    def at_work(self, partition: int) -> bool:
        """Whether somebody will look again there by himself within moments."""


class _Told(Struct, frozen=True):
    """Of which position a partition was told last, when, and how often."""

    position: int = 0
    at: float = 0.0
    times: int = 0


class Hints:
    """Sends hints from a thread of its own, because sending blocks.

    A partition that is behind is told so at once, unless it is at work and looks again by itself; and told
    again where it does not get as far as it was told of.
    """

    def __init__(self, broker: RedisBroker, hearing: Hearing, partitions: int) -> None:
        self._broker = broker
        self._hearing = hearing
        self._partitions = range(partitions)
        self._position = 0
        self._told: dict[int, _Told] = {}
        self._is_away = False
        self._is_watching = False
        self._wanted = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def give(self, position: int) -> None:
        """See to it that all is folded up to a position; returns at once.

        Waking the thread costs the event loop more than all else here: only where it would not look by itself, or late.
        """
        self._position = max(self._position, position)
        if not self._is_watching or any(map(self._is_due, self._partitions)):
            self._wanted.set()

    def stop(self) -> None:
        """Send what is still wanted, and end."""
        self._end.set()
        self._wanted.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._end.is_set():
            self._is_watching = False  # before it looks: what is given from now on wakes it
            self._wanted.clear()
            open_ = [each for each in self._behind() if not self._is_given_up(each)]
            self._tell([each for each in open_ if self._is_due(each)])
            self._is_watching = bool(open_)
            self._wanted.wait(GATHER_S if open_ else None)
        self._send(self._behind())

    def _behind(self) -> list[int]:
        """The partitions that are not known to have come so far."""
        return [each for each in self._partitions if self._hearing.heard(each) < self._position]

    def _is_due(self, partition: int) -> bool:
        """Whether nobody is at work there, and it has got as far as it was told of, or was told long ago."""
        if self._hearing.at_work(partition):
            return False
        told = self._told.get(partition, _Told())
        return self._hearing.heard(partition) >= told.position or time.monotonic() >= told.at + AGAIN_S

    def _tell(self, partitions: list[int]) -> None:
        for each in partitions:
            told = self._told.get(each, _Told())
            times = told.times + 1 if told.position == self._position else 1
            self._told[each] = _Told(self._position, time.monotonic(), times)
        self._send(partitions)

    def _is_given_up(self, partition: int) -> bool:
        """It was told often enough: it is not heard, or stands still, and repeating would change nothing."""
        told = self._told.get(partition, _Told())
        return told.position == self._position and told.times > TIMES

    def _send(self, partitions: list[int]) -> None:
        try:
            # Whoever takes up a message that lies there sees what was committed before now. Without workers
            # the queue would grow for ever.
            queue = f"{self._broker.namespace}:{QUEUE}"
            if partitions and self._broker.client.llen(queue) < ENOUGH * len(partitions):
                for partition in partitions:
                    self._broker.enqueue(message(partition))
            self._is_away = False if partitions else self._is_away
        except Exception as error:  # noqa: BLE001 - a hint may get lost: the worker looks by itself
            if not self._is_away:
                logger.warning("no hint can be sent: {}", error)
            self._is_away = True


def message(partition: int) -> dramatiq.Message[None]:
    """The message that asks a worker to fold what is new in one partition of all projections."""
    return dramatiq.Message(
        queue_name=QUEUE, actor_name="project", args=(partition,), kwargs={}, options={"max_retries": 0}
    )
