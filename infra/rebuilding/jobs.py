"""Operations: long works that somebody asked for, in a table, so that they outlive whoever asked and who does them."""

from datetime import datetime
from time import monotonic
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from infra.ids import new_id
from infra.rebuilding.outcome import RebuildOutcome, RebuildProgress
from projections.engine import build_lock, builds
from projections.engine.connection import SyncConnection
from projections.fingerprint import fingerprint
from projections.projection import Projection, all_projections

PROGRESS_INTERVAL_S = 0.25
"""So often, at most, it is written down how far one is."""
_COLUMNS = """id, kind, projection, state, phase, done, total, outcome, asked_by, asked_at, began_at, ended_at,
    case when phase = 'folding' and done > 0 then
      done / greatest(0.001, extract(epoch from heard_at - began_at))::float8 end as events_per_s"""
_OUR_CODE_CONDITION = "(projection, fingerprint) in (select * from unnest(%s::text[], %s::text[]))"
FIND_SQL = f"select {_COLUMNS}, options from read.operations where id = %s"  # noqa: S608 - our own text
FIND_OPEN_SQL = """select id from read.operations where projection = %s and fingerprint = %s and kind = 'rebuild'
    and state in ('waiting', 'running') and not coalesce((options->>'by_hand')::boolean, false)
    order by asked_at limit 1"""
INSERT_SQL = """insert into read.operations (id, kind, projection, fingerprint, options, state, asked_by, began_at)
    select id, kind, projection, fingerprint, options, state, asked_by, case state when 'running' then now() end
    from (values (%s::uuid, %s, %s, %s, %s::jsonb, %s, %s::uuid))
      as asked (id, kind, projection, fingerprint, options, state, asked_by)"""
LOCK_PROJECTION_SQL = "select pg_advisory_xact_lock(729140212, hashtext(%s))"
"""Keeps others from asking for the same projection until the transaction ends."""
_CLAIM_SQL = f"""update read.operations set state = 'running', began_at = now(), heard_at = now() where id = (
      select id from read.operations where state = 'waiting' and {_OUR_CODE_CONDITION}
      order by asked_at limit 1 for update skip locked
    ) returning id"""  # noqa: S608 - our own text
_UPDATE_PROGRESS_SQL = """update read.operations set phase = %s, heard_at = now(),
    done = coalesce(nullif(%s, 0), done), total = coalesce(nullif(%s, 0), total) where id = %s"""
_FINISH_SQL = "update read.operations set state = %s, phase = '', outcome = %s, ended_at = now() where id = %s"
_HAS_FAILED_RECENTLY_SQL = """select exists (select from read.operations where state = 'failed'
    and projection = %s and fingerprint = %s and ended_at > now() - interval '30 s')"""
_LOCK_RUNNING_SQL = f"""select id, projection, options from read.operations
    where state = 'running' and began_at < now() - interval '15 s' and {_OUR_CODE_CONDITION}
    for update skip locked"""  # noqa: S608 - our own text
_REQUEUE_SQL = "update read.operations set state = 'waiting', phase = '', began_at = null where id = %s"
_DELETE_OLD_SQL = "delete from read.operations where ended_at < now() - interval '30 days'"
_REQUEUE_DEAD_SQL = """update read.operations set state = 'waiting', phase = '', done = 0, began_at = null,
    options = options || '{"again": true}' where id = %s"""


class Job(Struct, frozen=True):
    """One of them: `done` of `total`, which are events while it is folding, and indexes while it is indexing."""

    id: UUID
    kind: str
    projection: str
    state: Literal["waiting", "running", "done", "failed"]
    phase: str
    done: int
    total: int
    outcome: dict[str, Any] | None
    asked_by: UUID | None
    asked_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    events_per_s: float | None
    seconds_left: float | None = None


class JobOptions(Struct, frozen=True):
    """How to do it; `again` where somebody died over it once, `by_hand` where whoever asked does it and nobody else."""

    expect_changes: bool = False
    by_hand: bool = False
    again: bool = False
    verify_only: bool = False


def find_open_parameters(projection: Projection[Any]) -> tuple[str, str]:
    """What `OPEN` is to be given."""
    return projection.name, fingerprint(projection)


def insert_parameters(
    projection: Projection[Any], options: JobOptions, asked_by: UUID | None = None
) -> tuple[Any, ...]:
    """What `ASK` is to be given; the id is the first."""
    state = "running" if options.by_hand else "waiting"
    kind, encoded_options = "verify" if options.verify_only else "rebuild", Jsonb(msgspec.to_builtins(options))
    return (new_id(), kind, projection.name, fingerprint(projection), encoded_options, state, asked_by)


def enqueue(connection: SyncConnection, projection: Projection[Any], options: JobOptions) -> UUID:
    """Ask for a rebuild; where one is waiting or running, it is that one."""
    with connection.transaction():
        connection.execute(LOCK_PROJECTION_SQL, (projection.name,))
        open_job = connection.execute(FIND_OPEN_SQL, find_open_parameters(projection)).fetchone()
        if open_job and not options.by_hand:
            return UUID(str(open_job[0]))
        parameters = insert_parameters(projection, options)
        connection.execute(INSERT_SQL, parameters)
    return UUID(str(parameters[0]))


def enqueue_missing(connection: SyncConnection, projection: Projection[Any]) -> None:
    """Ask for the first build, unless somebody does or it is there.

    What is asked for is looked at first: whoever has done it since has switched before that.
    """
    with connection.transaction():
        connection.execute(LOCK_PROJECTION_SQL, (projection.name,))
        open_job = connection.execute(FIND_OPEN_SQL, find_open_parameters(projection)).fetchone()
        if not open_job and projection in builds.unbuilt_projections(connection):
            connection.execute(INSERT_SQL, insert_parameters(projection, JobOptions(expect_changes=True)))


def has_failed_recently(connection: SyncConnection, projection: Projection[Any]) -> bool:
    """Whether the last rebuild failed a moment ago: trying again at once would fail again."""
    row = connection.execute(_HAS_FAILED_RECENTLY_SQL, find_open_parameters(projection)).fetchone()
    return bool(row and row[0])


def job_from_row(row: dict[str, Any]) -> Job:
    """A row, with how long the folding will take at its rate."""
    job = msgspec.convert(row, Job)
    left = (job.total - job.done) / job.events_per_s if job.events_per_s else None
    return msgspec.structs.replace(job, seconds_left=left)


def find(connection: SyncConnection, job_id: UUID) -> tuple[Job, JobOptions] | None:
    """An operation, and how it is to be done."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(FIND_SQL, (job_id,)).fetchone()
    return (job_from_row(row), msgspec.convert(row.pop("options"), JobOptions)) if row else None


def claim(connection: SyncConnection) -> UUID | None:
    """Take up one that waits for this code, alone."""
    row = connection.execute(_CLAIM_SQL, builds.serving_parameters()).fetchone()
    return row[0] if row else None


def reap_dead(connection: SyncConnection) -> None:
    """Those whose process died wait for another one, once; what was begun by hand, or died twice, has failed."""
    with connection.transaction():
        connection.execute(_DELETE_OLD_SQL)
        for job_id, name, options in connection.execute(_LOCK_RUNNING_SQL, builds.serving_parameters()).fetchall():
            if not build_lock.is_locked(connection, all_projections()[name]):
                job_options = msgspec.convert(options, JobOptions)
                if job_options.by_hand or job_options.again:
                    finish(connection, job_id, error="whoever did it was killed")
                else:
                    connection.execute(_REQUEUE_DEAD_SQL, (job_id,))


def requeue(connection: SyncConnection, job_id: UUID) -> None:
    """Let it wait again: somebody else is building the same."""
    connection.execute(_REQUEUE_SQL, (job_id,))


def finish(connection: SyncConnection, job_id: UUID, outcome: RebuildOutcome | None = None, error: str = "") -> None:
    """Say what came of it."""
    content = msgspec.to_builtins(outcome) if outcome else {"error": error}
    connection.execute(_FINISH_SQL, ("failed" if error else "done", Jsonb(content), job_id))


class ProgressReporter:
    """Writes down how far an operation is, now and then."""

    def __init__(self, connection: SyncConnection, job_id: UUID) -> None:
        self._connection = connection
        self._job_id = job_id
        self._next_write_at = 0.0
        self._phase = ""

    def __call__(self, progress: RebuildProgress) -> None:
        if progress.phase != self._phase or monotonic() >= self._next_write_at:
            self._phase, self._next_write_at = progress.phase, monotonic() + PROGRESS_INTERVAL_S
            self._connection.execute(
                _UPDATE_PROGRESS_SQL, (progress.phase, progress.done, progress.total, self._job_id)
            )
