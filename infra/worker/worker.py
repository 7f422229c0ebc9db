"""The worker process: folds the log into read models on a hint, and on a poll once a second."""

import threading
from collections.abc import Callable
from typing import TypeVar

import dramatiq

from infra.logs import logger
from infra.messaging import broker, redis_clients
from infra.reading import progress_messages
from infra.settings import Settings
from infra.worker.housekeeping import Housekeeping
from infra.worker.projector import POLL_INTERVAL_S, Projector

T = TypeVar("T")
_FAILURES: dict[str, str] = {}
"""The reason last logged for each step that fails."""


def run(settings: Settings, stop: threading.Event) -> None:
    """Work until `stop` is set, then finish the batch in hand."""
    message_broker = broker.create_broker(settings.broker_url)
    publish = progress_messages.publisher(redis_clients.publisher_client(settings.redis_url))
    projector = Projector(settings.database_url, settings.partitions, publish)
    housekeeping = Housekeeping(settings)

    def project(partition: int) -> None:
        try_project(partition)

    def try_project(partition: int) -> bool:
        return _log_failure(f"partition {partition}", lambda: projector.project(partition)) or False

    dramatiq.actor(broker=message_broker, queue_name=broker.QUEUE_NAME, max_retries=0)(project)
    worker = dramatiq.Worker(message_broker, worker_threads=settings.partitions)
    worker.start()
    is_behind = False
    try:
        while not stop.wait(0 if is_behind else POLL_INTERVAL_S):
            has_more = [try_project(partition) for partition in range(housekeeping.partitions)]
            is_behind = any(has_more)
            _log_failure("housekeeping", housekeeping.run_once)
    finally:
        worker.stop(timeout=4_000)
        message_broker.close()
        housekeeping.close()
        projector.close()


def _log_failure(step_name: str, step: Callable[[], T]) -> T | None:
    """Run a step that is retried at the next poll if it fails; log each reason once."""
    try:
        done = step()
    except Exception as error:  # noqa: BLE001 - no error of a step ends the worker
        reason = " ".join(str(error).split())
        if _FAILURES.get(step_name) != reason:
            logger.warning("{} is stuck: {}", step_name, reason)
        _FAILURES[step_name] = reason
        return None
    if _FAILURES.pop(step_name, None):
        logger.info("{} recovered", step_name)
    return done
