"""The cache: a Redis that may forget anything at any time, and be away or hang."""

import redis
import redis.asyncio

REDIS_TIMEOUT_S = 0.5
"""The longest that anybody waits for the cache before doing without."""


def cache_client(url: str) -> redis.asyncio.Redis:
    """A client for many requests at once; connects when first used."""
    connections = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        max_connections=32,
        timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        socket_timeout=REDIS_TIMEOUT_S,
        protocol=3,
    )
    return redis.asyncio.Redis(connection_pool=connections)


def subscriber_client(url: str) -> redis.asyncio.Redis:
    """A client for one subscription, which may be silent for as long as nothing happens."""
    return redis.asyncio.Redis.from_url(url, socket_connect_timeout=REDIS_TIMEOUT_S, socket_timeout=None, protocol=3)


def publisher_client(url: str) -> redis.Redis:
    """A blocking client."""
    return redis.Redis.from_url(url, socket_connect_timeout=REDIS_TIMEOUT_S, socket_timeout=REDIS_TIMEOUT_S)
