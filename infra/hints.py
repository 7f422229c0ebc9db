"""Hints: messages that tell workers to look at the log. Losing one costs a moment, never data."""

import threading
from collections.abc import Callable

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from infra.broker import QUEUE
from infra.logs import logger
from projections import projection

PAUSE_S, LONGEST_PAUSE_S = 0.01, 0.1
"""How long a projection may say nothing of its progress until it is hinted at again, and where nobody ever does."""
ENOUGH = 4
"""So many waiting messages for each projection are enough."""


class Hints:
    """Sends hints from a thread of its own, because sending blocks.

    A projection that is heard to be at work looks again by itself, so only one that is silent and behind
    gets a message: at once, and again until it has come as far as was wanted.
    """

    def __init__(self, broker: RedisBroker, heard: Callable[[str], int]) -> None:
        """`heard` says up to which position a projection is known to have read."""
        self._broker = broker
        self._heard = heard
        self._position = 0
        self._wanted = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def give(self, position: int) -> None:
        """See to it that all is folded up to a position; returns at once."""
        self._position = max(self._position, position)
        self._wanted.set()

    def stop(self) -> None:
        """Send what is still wanted, and end."""
        self._end.set()
        self._wanted.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        before: dict[str, int] = {}
        pause = PAUSE_S
        while not self._end.is_set():
            self._wanted.wait()
            self._wanted.clear()
            while behind := self._behind():
                silent = [name for name, heard in behind.items() if before.get(name, heard) == heard]
                self._send(silent)
                before, pause = behind, min(2 * pause, LONGEST_PAUSE_S) if silent else PAUSE_S
                if self._end.wait(pause):
                    break
            before, pause = {}, PAUSE_S

    def _behind(self) -> dict[str, int]:
        """The projections that are not known to have come so far, with how far they are known to have come."""
        heard = {name: self._heard(name) for name in projection.every()}
        return {name: position for name, position in heard.items() if position < self._position}

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
