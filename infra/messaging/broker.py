"""The broker: Dramatiq on Redis, with a consumer that a message wakes instead of a timer."""

from typing import Any

import redis
from dramatiq import MessageProxy, set_encoder
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.encoder import JSONEncoder
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import AgeLimit, Callbacks, CurrentMessage, Retries, ShutdownNotifications, TimeLimit

QUEUE_NAME = "projections"
MAX_BLOCK_S = 1.0
"""The longest wait for a message. Each fetch is also the heartbeat that shows the other workers this one is alive."""


def create_broker(url: str) -> RedisBroker:
    """A broker whose workers start on a message within milliseconds, and detect dead workers within seconds.

    `heartbeat_timeout` is in milliseconds, `maintenance_chance` in millionths.
    """
    set_encoder(JSONEncoder())
    middleware = [
        AgeLimit(),
        TimeLimit(),
        ShutdownNotifications(),
        Callbacks(),
        Retries(max_retries=0),
        CurrentMessage(),
    ]
    return _Broker(url=url, middleware=middleware, heartbeat_timeout=5_000, maintenance_chance=1_000_000)


class _Broker(RedisBroker):
    @property
    def consumer_class(self) -> Any:
        return _BlockingConsumer


class _BlockingConsumer(_RedisConsumer):
    """Waits for a message with a blocking command, then fetches it as the library does."""

    def __next__(self) -> MessageProxy | None:
        # Milliseconds that the library sleeps after an empty fetch. We block in Redis instead, unless this worker
        # already has as many messages as it may prefetch.
        self.timeout = 1 if self.outstanding_message_count < self.prefetch else 50
        if not self.message_cache and self.outstanding_message_count < self.prefetch:
            self._wait_for_message()
        message: MessageProxy | None = super().__next__()  # type: ignore[no-untyped-call]
        return message

    def _wait_for_message(self) -> None:
        queue_key = f"{self.broker.namespace}:{self.queue_name}"
        try:
            self.broker.client.blmove(queue_key, queue_key, MAX_BLOCK_S, "LEFT", "LEFT")
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise ConnectionClosed(error) from None
