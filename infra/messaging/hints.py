"""Hints: messages that tell workers to look at the log. Losing one costs a moment, never data."""

import threading
import time
from typing import Protocol

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from msgspec import Struct

from infra.logs import logger
from infra.messaging.broker import QUEUE_NAME

FULL_BATCH_EVENTS, LINGER_S = 4, 0.01
"""After a batch of so many events others will follow: a worker lets them gather so long, since each batch costs."""
HINT_RETRY_INTERVAL_S, MAX_HINT_RETRIES = 0.1, 3
"""A hint that nobody answers is given again so many times; then the worker's own look will do."""
MAX_QUEUED_HINTS_PER_PARTITION = 4
"""So many waiting messages for each partition are enough."""


class ReportedProgress(Protocol):
    """What is heard of the projections, partition by partition."""

    def reported_position(self, partition: int) -> int:
        """The position that all projections are known to have read up to there."""

    def is_batching(self, partition: int) -> bool:
        """Whether somebody will look again there by himself within moments."""


class _SentHint(Struct, frozen=True):
    """Of which position a partition was told last, when, and how often."""

    position: int = 0
    sent_at: float = 0.0
    attempts: int = 0


class HintSender:
    """Sends hints from a thread of its own, because sending blocks.

    A partition that is behind is told so at once, unless it is at work and looks again by itself; and told
    again where it does not get as far as it was told of.
    """

    def __init__(self, broker: RedisBroker, progress: ReportedProgress, partitions: int) -> None:
        self._broker = broker
        self._progress = progress
        self._partitions = range(partitions)
        self._target_position = 0
        self._sent: dict[int, _SentHint] = {}
        self._is_broker_down = False
        self._is_polling = False
        self._wake_up = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hint(self, position: int) -> None:
        """See to it that all is folded up to a position; returns at once.

        Waking the thread costs the event loop more than all else here: only where it would not look by itself, or late.
        """
        self._target_position = max(self._target_position, position)
        if not self._is_polling or any(map(self._is_hint_due, self._partitions)):
            self._wake_up.set()

    def stop(self) -> None:
        """Send what is still wanted, and end."""
        self._stopping.set()
        self._wake_up.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._is_polling = False  # before it looks: what is given from now on wakes it
            self._wake_up.clear()
            lagging = [each for each in self._lagging_partitions() if not self._has_given_up(each)]
            self._send_and_record([each for each in lagging if self._is_hint_due(each)])
            self._is_polling = bool(lagging)
            self._wake_up.wait(LINGER_S if lagging else None)
        self._enqueue(self._lagging_partitions())

    def _lagging_partitions(self) -> list[int]:
        """The partitions that are not known to have come so far."""
        return [each for each in self._partitions if self._progress.reported_position(each) < self._target_position]

    def _is_hint_due(self, partition: int) -> bool:
        """Whether nobody is at work there, and it has got as far as it was told of, or was told long ago."""
        if self._progress.is_batching(partition):
            return False
        last_hint = self._sent.get(partition, _SentHint())
        return (
            self._progress.reported_position(partition) >= last_hint.position
            or time.monotonic() >= last_hint.sent_at + HINT_RETRY_INTERVAL_S
        )

    def _send_and_record(self, partitions: list[int]) -> None:
        for each in partitions:
            last_hint = self._sent.get(each, _SentHint())
            attempts = last_hint.attempts + 1 if last_hint.position == self._target_position else 1
            self._sent[each] = _SentHint(self._target_position, time.monotonic(), attempts)
        self._enqueue(partitions)

    def _has_given_up(self, partition: int) -> bool:
        """It was told often enough: it is not heard, or stands still, and repeating would change nothing."""
        last_hint = self._sent.get(partition, _SentHint())
        return last_hint.position == self._target_position and last_hint.attempts > MAX_HINT_RETRIES

    def _enqueue(self, partitions: list[int]) -> None:
        try:
            # Whoever takes up a message that lies there sees what was committed before now. Without workers
            # the queue would grow for ever.
            queue = f"{self._broker.namespace}:{QUEUE_NAME}"
            if partitions and self._broker.client.llen(queue) < MAX_QUEUED_HINTS_PER_PARTITION * len(partitions):
                for partition in partitions:
                    self._broker.enqueue(hint_message(partition))
            self._is_broker_down = False if partitions else self._is_broker_down
        except Exception as error:  # noqa: BLE001 - a hint may get lost: the worker looks by itself
            if not self._is_broker_down:
                logger.warning("cannot send hints: {}", error)
            self._is_broker_down = True


def hint_message(partition: int) -> dramatiq.Message[None]:
    """The message that asks a worker to fold what is new in one partition of all projections."""
    return dramatiq.Message(
        queue_name=QUEUE_NAME, actor_name="project", args=(partition,), kwargs={}, options={"max_retries": 0}
    )
