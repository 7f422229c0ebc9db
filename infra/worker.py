"""The worker: folds the log into read models when a hint comes, and once a second in any case."""

import threading
from collections.abc import Callable

import dramatiq

from infra import broker, cache, projected
from infra.keeper import Keeper
from infra.logs import logger
from infra.projector import LOOK_S, Projector
from infra.settings import Settings

_STANDING: dict[str, str] = {}
"""Why something stands still, as it was logged last."""


def run(settings: Settings, stop: threading.Event) -> None:
    """Work until `stop` is set, then finish what is in hand."""
    messages = broker.broker(settings.broker_url)
    publish = projected.publisher(cache.publishing_client(settings.redis_url))
    projector = Projector(settings.database_url, settings.partitions, publish)
    keeper = Keeper(settings)

    def project(partition: int) -> None:
        _attempt(f"partition {partition}", lambda: projector.project(partition))

    dramatiq.actor(broker=messages, queue_name=broker.QUEUE, max_retries=0)(project)
    worker = dramatiq.Worker(messages, worker_threads=settings.partitions)
    worker.start()
    try:
        while not stop.wait(LOOK_S):
            for partition in range(settings.partitions):
                project(partition)
            _attempt("looking after the builds", keeper.look)
    finally:
        worker.stop(timeout=4_000)
        messages.close()
        keeper.close()
        projector.close()


def _attempt(what: str, work: Callable[[], None]) -> None:
    """The database may be away, or a fold wrong: one line for each reason, and the next look tries again."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whatever it is must not end the worker
        reason = " ".join(str(error).split())
        if _STANDING.get(what) != reason:
            logger.warning("{} stands still: {}", what, reason)
        _STANDING[what] = reason
    else:
        if _STANDING.pop(what, None):
            logger.info("{} goes on", what)
