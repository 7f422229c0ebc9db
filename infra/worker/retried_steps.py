"""The steps of a worker: each is tried again at the next poll if it fails, and later if PostgreSQL is away."""

from collections.abc import Callable
from typing import TypeVar

import psycopg

from infra.backoff import Backoff
from infra.logs import logger

T = TypeVar("T")


class RetriedSteps:
    """Runs steps, and logs each reason for a failure once."""

    def __init__(self, poll_interval_s: float) -> None:
        self._poll_interval_s = poll_interval_s
        self._failures: dict[str, str] = {}
        self._backoff = Backoff()
        self._is_database_away = False

    def run(self, name: str, step: Callable[[], T]) -> T | None:
        """The result of a step; None if it fails."""
        try:
            done = step()
        except Exception as error:  # noqa: BLE001 - no error of a step ends the worker
            self._is_database_away |= isinstance(error, psycopg.OperationalError)
            reason = " ".join(str(error).split())
            if self._failures.get(name) != reason:
                logger.warning("{} is stuck: {}", name, reason)
            self._failures[name] = reason
            return None
        if self._failures.pop(name, None):
            logger.info("{} recovered", name)
        return done

    def pause_s(self) -> float:
        """How long to wait until the next poll: longer and longer while PostgreSQL is away."""
        is_away, self._is_database_away = self._is_database_away, False
        if is_away:
            return self._backoff.pause_s()
        self._backoff.reset()
        return self._poll_interval_s
