"""Hints: messages that ask workers to read new events. A lost hint delays a projection, but loses no data."""

import threading
import time
from typing import Protocol

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from msgspec import Struct

from infra.background import log_unexpected
from infra.backoff import Backoff
from infra.logs import logger
from infra.messaging.broker import QUEUE_NAME

FULL_BATCH_EVENTS, LINGER_S = 4, 0.01
"""After a batch of this many events, more are likely: a worker waits before it reads the next batch, because each batch
has a fixed cost. It waits as long as it folded, and this many seconds at most."""
HINT_RETRY_INTERVAL_S, MAX_HINT_RETRIES = 0.1, 3
"""A hint without effect is sent again this many times, at this interval in seconds. After that, polling catches up."""
MAX_QUEUED_HINTS_PER_PARTITION = 4
"""No hints are enqueued while this many messages per partition are waiting."""


class ReportedProgress(Protocol):
    """The progress of projections as workers report it, by partition."""

    def reported_position(self, partition: int) -> int:
        """The position up to which all projections are known to have read this partition."""

    def is_batching(self, partition: int) -> bool:
        """Whether a worker is about to read this partition again, without a hint."""


class _SentHint(Struct, frozen=True):
    """The last hint sent to a partition: its position, when it was sent, and how often."""

    position: int = 0
    sent_at: float = 0.0
    attempts: int = 0


class HintSender:
    """Sends hints from a thread of its own, because sending blocks.

    A partition that lags is hinted at once, unless a worker is about to read it again anyway. A partition that has
    not reached the hinted position is hinted again.
    """

    def __init__(self, broker: RedisBroker, progress: ReportedProgress, partitions: int) -> None:
        self._broker = broker
        self._progress = progress
        self._partitions = range(partitions)
        self._target_position = 0
        self._sent: dict[int, _SentHint] = {}
        self._is_broker_down = False
        self._queue_room = 0
        self._is_polling = False
        self._wake_up = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hint(self, position: int) -> None:
        """Have all partitions projected up to `position`; returns at once.

        Waking the thread is the most expensive step here for the event loop. So it is woken only if it is not polling,
        or if a hint is already due.
        """
        self._target_position = max(self._target_position, position)
        if not self._is_polling or any(map(self._is_hint_due, self._partitions)):
            self._wake_up.set()

    def stop(self) -> None:
        """Send the hints that are still needed, and stop the thread."""
        self._stopping.set()
        self._wake_up.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                self._run_once()
            except Exception as error:  # noqa: BLE001 - nothing else would notice that hints have ended
                log_unexpected("sending hints", error)
                self._stopping.wait(backoff.pause_s())
        self._enqueue(self._lagging_partitions())

    def _run_once(self) -> None:
        """Send the hints that are due, and wait until others are needed."""
        self._is_polling = False  # before it reads the position: a later hint wakes it
        self._wake_up.clear()
        lagging = [each for each in self._lagging_partitions() if not self._has_given_up(each)]
        self._send_and_record([each for each in lagging if self._is_hint_due(each)])
        self._is_polling = bool(lagging)
        self._wake_up.wait(LINGER_S if lagging else None)

    def _lagging_partitions(self) -> list[int]:
        """The partitions not known to have reached the target position."""
        return [each for each in self._partitions if self._progress.reported_position(each) < self._target_position]

    def _is_hint_due(self, partition: int) -> bool:
        """Whether no worker is batching there, and the last hint was reached or is due for a retry."""
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
        """Whether the retries are used up: hints get lost or the partition is stuck, so another one would not help."""
        last_hint = self._sent.get(partition, _SentHint())
        return last_hint.position == self._target_position and last_hint.attempts > MAX_HINT_RETRIES

    def _enqueue(self, partitions: list[int]) -> None:
        try:
            if partitions and self._has_room_for(len(partitions)):
                for partition in partitions:
                    self._broker.enqueue(hint_message(partition))
                    self._queue_room -= 1
            self._is_broker_down = False if partitions else self._is_broker_down
        except Exception as error:  # noqa: BLE001 - a hint may be lost: workers also poll
            if not self._is_broker_down:
                logger.warning("cannot send hints: {}", error)
            self._is_broker_down = True

    def _has_room_for(self, count: int) -> bool:
        """Whether so many messages may be enqueued; the queue's length is read only when the known room is used up.

        A worker that consumes a message already in the queue sees everything committed before now. Without this limit
        the queue would grow without bound while no worker runs.
        """
        if self._queue_room < count:
            length = self._broker.client.llen(f"{self._broker.namespace}:{QUEUE_NAME}")
            self._queue_room = MAX_QUEUED_HINTS_PER_PARTITION * len(self._partitions) - length
        return self._queue_room >= count


def hint_message(partition: int) -> dramatiq.Message[None]:
    """The message that asks a worker to project the new events of one partition, for all projections."""
    return dramatiq.Message(
        queue_name=QUEUE_NAME, actor_name="project", args=(partition,), kwargs={}, options={"max_retries": 0}
    )
