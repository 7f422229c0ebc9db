"""The worker: folds the log into read models when a hint comes, and once a second in any case."""

import threading
from collections.abc import Callable
from typing import TypeVar

import dramatiq

from infra.logs import logger
from infra.messaging import broker, clients
from infra.reading import progress
from infra.settings import Settings
from infra.worker.housekeeping import Keeper
from infra.worker.projector import LOOK_S, Projector

T = TypeVar("T")
_STANDING: dict[str, str] = {}
"""Why something stands still, as it was logged last."""


def run(settings: Settings, stop: threading.Event) -> None:
    """Work until `stop` is set, then finish what is in hand."""
    messages = broker.broker(settings.broker_url)
    publish = progress.publisher(clients.publishing_client(settings.redis_url))
    projector = Projector(settings.database_url, settings.partitions, publish)
    keeper = Keeper(settings)

    def project(partition: int) -> None:
        look(partition)

    def look(partition: int) -> bool:
        return _attempt(f"partition {partition}", lambda: projector.project(partition)) or False

    dramatiq.actor(broker=messages, queue_name=broker.QUEUE, max_retries=0)(project)
    worker = dramatiq.Worker(messages, worker_threads=settings.partitions)
    worker.start()
    is_behind = False
    try:
        while not stop.wait(0 if is_behind else LOOK_S):
            looks = [look(partition) for partition in range(keeper.partitions)]
            is_behind = any(looks)
            _attempt("looking after the builds", keeper.look)
    finally:
        worker.stop(timeout=4_000)
        messages.close()
        keeper.close()
        projector.close()


def _attempt(what: str, work: Callable[[], T]) -> T | None:
    """The database may be away, or a fold wrong: one line for each reason, and the next look tries again."""
    try:
        done = work()
    except Exception as error:  # noqa: BLE001 - whatever it is must not end the worker
        reason = " ".join(str(error).split())
        if _STANDING.get(what) != reason:
            logger.warning("{} stands still: {}", what, reason)
        _STANDING[what] = reason
        return None
    if _STANDING.pop(what, None):
        logger.info("{} goes on", what)
    return done
