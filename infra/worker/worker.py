"""The worker process: folds the log into read models on a hint, and on a poll once a second."""

import threading

import dramatiq

from infra.messaging import broker, redis_clients
from infra.reading import progress_messages
from infra.settings import Settings
from infra.worker.housekeeping import Housekeeping
from infra.worker.projector import POLL_INTERVAL_S, Projector
from infra.worker.retried_steps import RetriedSteps


def run(settings: Settings, stop: threading.Event) -> None:
    """Work until `stop` is set, then finish the batch in hand."""
    message_broker = broker.create_broker(settings.broker_url)
    publish = progress_messages.publisher(redis_clients.publisher_client(settings.redis_url))
    projector = Projector(settings.database_url, settings.partitions, publish)
    housekeeping, steps = Housekeeping(settings), RetriedSteps(POLL_INTERVAL_S)

    def project(partition: int) -> None:
        try_project(partition)

    def try_project(partition: int) -> bool:
        return steps.run(f"partition {partition}", lambda: projector.project(partition)) or False

    dramatiq.actor(broker=message_broker, queue_name=broker.QUEUE_NAME, max_retries=0)(project)
    worker = dramatiq.Worker(message_broker, worker_threads=settings.partitions)
    worker.start()
    is_behind, pause_s = False, POLL_INTERVAL_S
    try:
        while not stop.wait(0 if is_behind else pause_s):
            has_more = [try_project(partition) for partition in range(housekeeping.partitions)]
            is_behind = any(has_more)
            steps.run("housekeeping", housekeeping.run_once)
            pause_s = steps.pause_s()
    finally:
        worker.stop(timeout=4_000)
        message_broker.close()
        housekeeping.close()
        projector.close()
