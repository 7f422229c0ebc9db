"""The broker: Dramatiq on Redis, with a consumer that a message wakes instead of a timer."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import redis
from dramatiq import MessageProxy, set_encoder
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.encoder import JSONEncoder
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import AgeLimit, Callbacks, CurrentMessage, Retries, ShutdownNotifications, TimeLimit

from infra.logs import logger

QUEUE_NAME = "projections"
DELAY_QUEUE_SUFFIX = ".DQ"
"""Of the queue of delayed messages, which the library declares beside each queue and we do not use."""
MAX_BLOCK_S = 1.0
"""The longest wait for a message. Each fetch is also the heartbeat that shows the other workers this one is alive."""


def create_broker(url: str) -> RedisBroker:
    """A broker whose workers start on a message within milliseconds, and detect dead workers within seconds.

    `heartbeat_timeout` is in milliseconds, `maintenance_chance` in millionths.
    """
    set_encoder(JSONEncoder())
    for queue_name in (QUEUE_NAME, f"{QUEUE_NAME}{DELAY_QUEUE_SUFFIX}"):
        logging.getLogger(f"dramatiq.worker.ConsumerThread({queue_name})").addFilter(_is_unexpected)
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
    is_away = False

    @property
    def consumer_class(self) -> Any:
        return _BlockingConsumer


class _BlockingConsumer(_RedisConsumer):
    """Waits for a message with a blocking command, then fetches it as the library does."""

    def __next__(self) -> MessageProxy | None:
        # Milliseconds that the library sleeps after an empty fetch. We block in Redis instead, unless this worker
        # already has as many messages as it may prefetch.
        self.timeout = 1 if self.outstanding_message_count < self.prefetch else 50
        is_asking = not self.message_cache and self.outstanding_message_count < self.prefetch
        with self._outages_as_closed_connections():
            if is_asking:
                self._wait_for_message()
            message: MessageProxy | None = super().__next__()  # type: ignore[no-untyped-call]
        if is_asking and self.broker.is_away and self._is_reporting():
            self.broker.is_away = False
            logger.info("the broker is back")
        return message

    def ack(self, message: MessageProxy) -> None:
        with self._outages_as_closed_connections():
            super().ack(message)  # type: ignore[no-untyped-call]

    def nack(self, message: MessageProxy) -> None:
        with self._outages_as_closed_connections():
            super().nack(message)  # type: ignore[no-untyped-call]

    def requeue(self, messages: Any) -> None:
        """Put messages back when the worker stops. Without a broker they are lost: they are only hints."""
        with contextlib.suppress(ConnectionClosed), self._outages_as_closed_connections():
            super().requeue(messages)  # type: ignore[no-untyped-call]

    def _wait_for_message(self) -> None:
        queue_key = f"{self.broker.namespace}:{self.queue_name}"
        self.broker.client.blmove(queue_key, queue_key, MAX_BLOCK_S, "LEFT", "LEFT")

    @contextlib.contextmanager
    def _outages_as_closed_connections(self) -> Iterator[None]:
        """Whatever the broker's trouble is (silence, a full disk or memory), the library tries again later.

        Each outage is logged once, and so is its end.
        """
        try:
            yield
        except (redis.RedisError, ConnectionClosed) as error:
            if self._is_reporting() and not self.broker.is_away:
                self.broker.is_away = True
                logger.warning("the broker is away, so events are polled: {}", error)
            raise ConnectionClosed(error) from None

    def _is_reporting(self) -> bool:
        """Of two consumers that notice the same outage, one logs it."""
        return not self.queue_name.endswith(DELAY_QUEUE_SUFFIX)


def _is_unexpected(record: logging.LogRecord) -> bool:
    """Whether a record of the library has a traceback: outages are logged here."""
    return record.exc_info is not None
