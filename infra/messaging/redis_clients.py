"""Clients for Redis, which may evict anything at any time, be down, or hang."""

import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from infra.time_budget import REDIS_S


def cache_client(url: str) -> redis.asyncio.Redis:
    """A client with a connection pool, for concurrent requests; connects on first use."""
    connections = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        max_connections=32,
        timeout=REDIS_S,
        socket_connect_timeout=REDIS_S,
        socket_timeout=REDIS_S,
        protocol=3,
    )
    return redis.asyncio.Redis(connection_pool=connections)


def subscriber_client(url: str) -> redis.asyncio.Redis:
    """A client for one subscription. Reads have no timeout, because a channel may be silent for any time.

    No error is retried: the library would reconnect under a reader that still waits for the old connection.
    """
    return redis.asyncio.Redis.from_url(
        url,
        socket_connect_timeout=REDIS_S,
        socket_timeout=None,
        protocol=3,
        retry=Retry(NoBackoff(), retries=0, supported_errors=()),
    )


def publisher_client(url: str) -> redis.Redis:
    """A blocking client, for publishing."""
    return redis.Redis.from_url(url, socket_connect_timeout=REDIS_S, socket_timeout=REDIS_S)
