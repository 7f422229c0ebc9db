"""Progress messages: workers publish each commit to the API processes, through Redis."""

from collections.abc import Callable
from uuid import UUID

import msgspec
import redis
from msgspec import Struct

from infra.logs import logger
from projections.engine.advance import BatchReport

PROGRESS_CHANNEL = "taskledger:projected"


class ProgressMessage(Struct, frozen=True):
    """A commit as a worker reports it: the fields of `BatchReport`."""

    projections: list[str]
    partition: int
    start: int
    position: int
    events: int
    generations: dict[str, dict[UUID, int]]
    code: str
    database: str = ""


def publisher(client: redis.Redis) -> Callable[[BatchReport], None]:
    """A function that reports a commit to every API process; if Redis is away, their polling finds it."""

    def publish(progress: BatchReport) -> None:
        try:
            client.publish(PROGRESS_CHANNEL, msgspec.json.encode(progress))
        except redis.RedisError as error:
            logger.warning("position {} was not published: {}", progress.position, error)

    return publish
