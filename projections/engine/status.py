"""The status of each projection: what answers, how far it is behind, and what it shows no further."""

from typing import Any, Literal, TypeAlias

from msgspec import Struct
from psycopg.rows import dict_row

from projections.engine import build_lock, builds
from projections.engine.connection import SyncConnection
from projections.projection import all_projections

ProjectionState: TypeAlias = Literal["live", "behind", "rebuilding", "missing"]
MAX_COUNTED_LAG_EVENTS = 100_000
"""A lag is counted up to so many events; then positions tell about how many there are."""
DEFAULT_REBUILD_EVENTS_PER_S = 50_000.0
"""Events a second of a rebuild, where none was measured."""
STATUS_SQL = f"""
    with head as (select coalesce(max(notification_id), 0) as position from log.events),
    ours as (select * from unnest(%s::text[], %s::text[]) with ordinality as ours (projection, fingerprint, place)),
    live as (
      select serving.projection, build.build, build.events_per_s, min(checkpoint.position) as position,
        sum(checkpoint.rate * exp(-least(extract(epoch from now() - checkpoint.moved_at)::float8 / 10, 60))) as rate
      from ours join read.serving using (projection, fingerprint) join read.builds as build using (build)
      join read.checkpoints as checkpoint using (build) group by 1, 2
    )
    select ours.projection as name, ours.fingerprint, live.build, coalesce(live.position, 0) as position,
      head.position as head,
      case when live.build is null then head.position else coalesce(case
        when head.position - live.position > {MAX_COUNTED_LAG_EVENTS} then head.position - live.position
        else (select count(*) from log.events where notification_id > live.position) end, 0) end as lag_events,
      coalesce(greatest(0, extract(epoch from now() - (
        select recorded_at from log.events where notification_id > coalesce(live.position, 0)
        order by notification_id limit 1))), 0)::float8 as lag_seconds,
      coalesce(live.rate, 0)::float8 as events_per_s,
      (select count(*) from read.parked where parked.build = live.build) as parked,
      head.position / coalesce(nullif(live.events_per_s, 0), {DEFAULT_REBUILD_EVENTS_PER_S})::float8 as rebuild_seconds,
      operation.phase, operation.done, operation.total
    from ours cross join head left join live using (projection)
    left join lateral (
      select phase, done, total from read.operations as operation
      where operation.projection = ours.projection and operation.fingerprint = ours.fingerprint
        and operation.state = 'running' and exists ({build_lock.JOB_HAS_LOCK_SQL}) order by began_at desc limit 1
    ) as operation on true
    order by ours.place"""  # noqa: S608 - our own text
"""Takes what `builds.ours` answers."""


class ProjectionStatus(Struct, frozen=True, kw_only=True):
    """One projection, as this code folds it.

    `lag_events` and `lag_seconds` say how many events it has not folded, and how old the first of them is;
    `events_per_s` how many it folds just now, `rebuild_seconds` how long a rebuild is expected to take.
    """

    name: str
    version: int
    fingerprint: str
    state: ProjectionState
    build: int | None
    position: int
    head: int
    lag_events: int
    lag_seconds: float
    events_per_s: float
    parked: int
    rebuild_seconds: float
    doing: str | None = None
    share: float | None = None


def parse_status(row: dict[str, Any]) -> ProjectionStatus:
    """What a row that `STATUS` answers says."""
    phase, done, total = (row.pop(name) for name in ("phase", "done", "total"))
    state: ProjectionState = "behind" if row["lag_events"] else "live"
    if phase is not None or row["build"] is None:
        state = "missing" if phase is None else "rebuilding"
    return ProjectionStatus(
        **row,
        version=all_projections()[row["name"]].version,
        state=state,
        doing=phase,
        share=done / total if total else None,
    )


def fetch_statuses(connection: SyncConnection) -> list[ProjectionStatus]:
    """That of each projection of this code."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return [parse_status(row) for row in cursor.execute(STATUS_SQL, builds.serving_parameters())]
