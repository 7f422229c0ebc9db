"""The status of each projection: which build serves it, how far it lags, how many documents are parked."""

from typing import Any, Literal, TypeAlias

from msgspec import Struct
from psycopg.rows import dict_row

from infra.rebuilding import jobs
from projections.engine import builds
from projections.engine.connection import SyncConnection
from projections.projection import all_projections

ProjectionState: TypeAlias = Literal["live", "behind", "rebuilding", "missing"]
MAX_COUNTED_LAG_EVENTS = 100_000
"""A larger lag is not counted, but estimated from positions."""
DEFAULT_REBUILD_EVENTS_PER_S = 50_000.0
"""The rate of a rebuild, if none was measured."""
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
      {jobs.RUNNING_PROGRESS_SQL}
    ) as operation on true
    order by ours.place"""  # noqa: S608 - our own text
"""Its parameters are `builds.serving_parameters()`."""


class ProjectionStatus(Struct, frozen=True, kw_only=True):
    """One projection, as this code folds it.

    `lag_events` is the number of events that it has not folded, `lag_seconds` the age of the first of them;
    `events_per_s` is its present rate, `rebuild_seconds` the expected duration of a rebuild.
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
    """Parse a row of `STATUS_SQL`."""
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
    """The status of each projection of this code."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return [parse_status(row) for row in cursor.execute(STATUS_SQL, builds.serving_parameters())]
