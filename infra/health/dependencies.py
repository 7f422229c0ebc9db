"""The health of a dependency, as one measured call finds it."""

import asyncio
import shutil
import time
from typing import Any, Literal

import psycopg
import redis
import redis.asyncio
from msgspec import Struct

from infra import time_budget
from infra.database.pool import Pool, run_with_timeout
from infra.messaging import redis_clients
from infra.messaging.broker import QUEUE_NAME

Status = Literal["ok", "degraded", "down"]
_QUEUE_KEY = f"dramatiq:{QUEUE_NAME}"
MIN_FREE_DISK_BYTES = 512 * 2**20
"""With less, the disk is degraded: PostgreSQL needs room for its log of a few minutes."""


class DatabaseHealth(Struct, frozen=True):
    """PostgreSQL, over the pool of this process."""

    status: Status
    latency_ms: float | None = None
    version: str | None = None
    connections_in_use: int = 0
    max_connections: int = 0
    outages: int = 0


class RedisHealth(Struct, frozen=True):
    """A Redis: the cache, or the broker with the number of messages that wait in its queue."""

    status: Status
    latency_ms: float | None = None
    version: str | None = None
    queue_depth: int | None = None


class DiskHealth(Struct, frozen=True):
    """The file system that holds the data directory of this process."""

    status: Status
    free_bytes: int
    total_bytes: int


async def database_health(pool: Pool) -> DatabaseHealth:
    """Ask for the version, on a connection of the pool."""
    in_use, began = len(pool.checkouts), time.monotonic()
    try:
        version = await run_with_timeout(_fetch_version(pool), time_budget.DATABASE_PROBE_S)
    except psycopg.Error:
        return DatabaseHealth("down", None, None, in_use, pool.max_size, pool.circuit.opened_count)
    return DatabaseHealth("ok", _elapsed_ms(began), version, in_use, pool.max_size, pool.circuit.opened_count)


async def redis_health(url: str, *, is_broker: bool) -> RedisHealth:
    """Connect, and ask for the version and the length of the queue."""
    client, began = redis_clients.cache_client(url), time.monotonic()
    try:
        async with asyncio.timeout(2 * time_budget.REDIS_S):
            info: dict[str, Any] = await client.info("server")
            latency_ms = _elapsed_ms(began)
            depth = int(await client.llen(_QUEUE_KEY)) if is_broker else None
    except (redis.RedisError, OSError):
        return RedisHealth("down")
    finally:
        await client.aclose(close_connection_pool=True)
    return RedisHealth("ok", latency_ms, str(info.get("valkey_version") or info.get("redis_version")), depth)


def disk_health(folder: str) -> DiskHealth | None:
    """The space left in a file system; None if the folder does not exist on this machine."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return DiskHealth("ok" if usage.free >= MIN_FREE_DISK_BYTES else "degraded", usage.free, usage.total)


async def _fetch_version(pool: Pool) -> str:
    async with pool.connection() as connection:
        row = await (await connection.execute("select current_setting('server_version')")).fetchone()
    return str(row[0]).partition(" ")[0] if row else ""


def _elapsed_ms(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 2)
