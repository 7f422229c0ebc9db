"""The cache: a Redis that may forget anything at any time."""

import redis.asyncio

TIMEOUT_S = 0.5
"""The longest that a request waits for the cache before it asks PostgreSQL instead."""


def client(url: str) -> redis.asyncio.Redis:
    """A client for many requests at once; connects when first used."""
    connections = redis.asyncio.BlockingConnectionPool.from_url(
        url, max_connections=32, timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, protocol=3
    )
    return redis.asyncio.Redis(connection_pool=connections)
