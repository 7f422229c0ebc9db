"""Detailed health: every component of this process and what it depends on, for the administrator."""

import asyncio
import os
import platform
import resource
import time
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import psycopg
from msgspec import Struct

from api.function_endpoint import get
from api.http.response import Response
from api.ledger import Ledger
from infra.health import dependencies
from infra.health.dependencies import DatabaseHealth, DiskHealth, RedisHealth
from infra.rebuilding.projection_status import ProjectionState, ProjectionStatus
from infra.schema import pending

MAX_LAG_S = 60.0
"""A projection with more lag is degraded."""
_STARTED_AT = time.monotonic()


class ProjectionHealth(Struct, frozen=True):
    """The health of one projection."""

    name: str
    status: Literal["ok", "degraded"]
    state: ProjectionState
    lag_events: int
    lag_seconds: float
    parked: int


class ProcessHealth(Struct, frozen=True):
    """This API process: its memory, and the answers that it holds in its own cache."""

    draining: bool
    uptime_seconds: float
    memory_bytes: int
    cached_answers: int
    cache_bytes: int
    cache_hits: int
    cache_misses: int


class Versions(Struct, frozen=True):
    """Of the code; `schema` is its newest migration."""

    taskledger: str
    python: str
    schema: str


class DetailedHealth(Struct, frozen=True):
    """The health of every component; `degraded` if one of them is. Without a database, no projection is listed."""

    status: Literal["ok", "degraded"]
    not_ready_because: str | None
    versions: Versions
    process: ProcessHealth
    database: DatabaseHealth
    cache: RedisHealth
    broker: RedisHealth
    disk: DiskHealth | None
    position: int | None
    projections: list[ProjectionHealth]


@get("/health/detailed", guard=Ledger.require_operator)
async def detailed(ledger: Ledger) -> Response[DetailedHealth]:
    """Health of each component: `degraded` with one that is down, parked documents, no build, or a minute of lag."""
    settings = ledger.settings
    database, cache, broker, statuses = await asyncio.gather(
        dependencies.database_health(ledger.pool),
        dependencies.redis_health(settings.redis_url, is_broker=False),
        dependencies.redis_health(settings.broker_url, is_broker=True),
        _projection_statuses(ledger),
    )
    projections = [_projection_health(one) for one in statuses]
    disk = dependencies.disk_health(settings.data) if settings.data else None
    obstacle = ledger.readiness.obstacle()
    part_statuses = [database.status, cache.status, broker.status, *(one.status for one in projections)]
    part_statuses += [disk.status] if disk else []
    answer = DetailedHealth(
        status="ok" if obstacle is None and {*part_statuses} == {"ok"} else "degraded",
        not_ready_because=obstacle,
        versions=Versions(version("taskledger"), platform.python_version(), pending.migration_names()[-1]),
        process=_process_health(ledger),
        database=database,
        cache=cache,
        broker=broker,
        disk=disk,
        position=max((one.head for one in statuses), default=None),
        projections=projections,
    )
    return Response(answer)


async def _projection_statuses(ledger: Ledger) -> list[ProjectionStatus]:
    try:
        return await ledger.projection_admin.statuses()
    except psycopg.OperationalError:
        return []


def _projection_health(status: ProjectionStatus) -> ProjectionHealth:
    is_ok = status.build is not None and not status.parked and status.lag_seconds <= MAX_LAG_S
    return ProjectionHealth(
        status.name, "ok" if is_ok else "degraded", status.state, status.lag_events, status.lag_seconds, status.parked
    )


def _process_health(ledger: Ledger) -> ProcessHealth:
    stats = ledger.reader.cache_stats
    return ProcessHealth(
        draining=ledger.draining.is_set(),
        uptime_seconds=round(time.monotonic() - _STARTED_AT, 1),
        memory_bytes=_memory_bytes(),
        cached_answers=len(ledger.memory_cache),
        cache_bytes=ledger.memory_cache.size_bytes,
        cache_hits=sum(stats.hits.values()),
        cache_misses=sum(stats.misses.values()),
    )


def _memory_bytes() -> int:
    """The resident memory of this process; where the system does not say, the most that it ever had."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
