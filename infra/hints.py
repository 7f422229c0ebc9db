"""Hints: messages that tell workers to look at the log. Losing one costs a moment, never data."""

import threading

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from infra.broker import QUEUE
from infra.logs import logger
from projections import projection

PAUSE_S = 0.01
"""The first hint goes at once; under load they come so often, because each costs the broker and the workers."""
ENOUGH = 4
"""So many waiting messages for each projection are enough."""


class Hints:
    """Sends hints from a thread of its own, because sending blocks; hints that pile up become one."""

    def __init__(self, broker: RedisBroker) -> None:
        self._broker = broker
        self._wanted = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def give(self) -> None:
        """Ask for a hint; returns at once."""
        self._wanted.set()

    def stop(self) -> None:
        """Send what was asked for, and end."""
        self._end.set()
        self._wanted.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._end.is_set():
            self._wanted.wait()
            self._send()
            self._end.wait(PAUSE_S)
        if self._wanted.is_set():
            self._send()

    def _send(self) -> None:
        self._wanted.clear()
        names = projection.every()
        try:
            # Whoever takes up a message that lies there sees what was committed before now. Without workers
            # the queue would grow for ever.
            if self._broker.client.llen(f"{self._broker.namespace}:{QUEUE}") < ENOUGH * len(names):
                for name in names:
                    self._broker.enqueue(message(name))
        except Exception as error:  # noqa: BLE001 - a hint may get lost: the worker looks by itself
            logger.warning("no hint could be sent: {}", error)


def message(name: str, partition: int = 0) -> dramatiq.Message[None]:
    """The message that asks a worker to fold what is new for one projection."""
    return dramatiq.Message(
        queue_name=QUEUE, actor_name="project", args=(name, partition), kwargs={}, options={"max_retries": 0}
    )
