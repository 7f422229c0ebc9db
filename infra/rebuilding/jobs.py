"""Rebuild jobs: the table of requested rebuilds, which outlive the process that asks and the worker that runs them."""

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
"""Progress is written at most this often."""
_COLUMNS = """id, kind, projection, state, phase, done, total, outcome, asked_by, asked_at, began_at, ended_at,
    case when phase = 'folding' and done > 0 then
      done / greatest(0.001, extract(epoch from heard_at - began_at))::float8 end as events_per_s"""
_OUR_CODE_CONDITION = "(projection, fingerprint) in (select * from unnest(%s::text[], %s::text[]))"
FIND_SQL = f"select {_COLUMNS}, options from read.operations where id = %s"  # noqa: S608 - our own text
_FIND_OPEN_SQL = """select id from read.operations where projection = %(projection)s and fingerprint = %(fingerprint)s
    and kind = 'rebuild' and state in ('waiting', 'running') and not coalesce((options->>'by_hand')::boolean, false)
    order by asked_at limit 1"""
ENQUEUE_SQL = f"""with open_job as ({_FIND_OPEN_SQL}), new_job as (
      insert into read.operations (id, kind, projection, fingerprint, options, state, asked_by, began_at)
      select %(id)s, %(kind)s, %(projection)s, %(fingerprint)s, %(options)s::jsonb, %(state)s, %(asked_by)s::uuid,
        case when %(by_hand)s then now() end
      where %(by_hand)s or not exists (select from open_job)
      returning id
    ) select coalesce((select id from new_job), (select id from open_job))"""  # noqa: S608 - our own text
"""Inserts a job, unless one like it is open; returns the id of either. Run it after `LOCK_PROJECTION_SQL`."""
LOCK_PROJECTION_SQL = "select pg_advisory_xact_lock(729140212, hashtext(%s))"
"""Makes other processes that enqueue a job of the same projection wait until the transaction ends."""
RUNNING_PROGRESS_SQL = f"""select phase, done, total from read.operations as operation
    where operation.projection = ours.projection and operation.fingerprint = ours.fingerprint
      and operation.state = 'running' and exists ({build_lock.JOB_HAS_LOCK_SQL}) order by began_at desc limit 1"""  # noqa: S608
"""The progress of the job that builds `ours`: a row of the outer query with a projection and a fingerprint."""
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
_DELETE_OLD_SQL = """delete from read.operations where ended_at < now() - interval '30 days' and not exists
    (select from read.bulk_changes where operation = operations.id and idempotency_key is not null)"""
"""The outcome of a bulk change with an Idempotency-Key is kept as long as the key, for a repeat."""
_REQUEUE_DEAD_SQL = """update read.operations set state = 'waiting', phase = '', done = 0, began_at = null,
    options = options || '{"again": true}' where id = %s"""


class Job(Struct, frozen=True):
    """A job, `done` of `total`: events while it is folding, indexes while it is indexing, tasks of a bulk change.

    A bulk change has an empty `projection`.
    """

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
    """How to run a job: `by_hand` if the asking process runs it itself, `again` if a worker died while running it."""

    expect_changes: bool = False
    by_hand: bool = False
    again: bool = False
    verify_only: bool = False


def enqueue_parameters(
    projection: Projection[Any], options: JobOptions, asked_by: UUID | None = None
) -> dict[str, object]:
    """The parameters of `ENQUEUE_SQL`."""
    return {
        "id": new_id(),
        "kind": "verify" if options.verify_only else "rebuild",
        "projection": projection.name,
        "fingerprint": fingerprint(projection),
        "options": Jsonb(msgspec.to_builtins(options)),
        "state": "running" if options.by_hand else "waiting",
        "asked_by": asked_by,
        "by_hand": options.by_hand,
    }


def enqueue(connection: SyncConnection, projection: Projection[Any], options: JobOptions) -> UUID:
    """Request a rebuild; returns the id of the open job if there is one, unless it is to be run by hand."""
    with connection.transaction():
        connection.execute(LOCK_PROJECTION_SQL, (projection.name,))
        ((job_id,),) = connection.execute(ENQUEUE_SQL, enqueue_parameters(projection, options)).fetchall()
    return UUID(str(job_id))


def enqueue_missing(connection: SyncConnection, projection: Projection[Any]) -> None:
    """Request the first build, unless it is requested or there already.

    The open job is queried first: a job that ends in between has switched to its build before it ends.
    """
    parameters = enqueue_parameters(projection, JobOptions(expect_changes=True))
    with connection.transaction():
        connection.execute(LOCK_PROJECTION_SQL, (projection.name,))
        is_open = connection.execute(_FIND_OPEN_SQL, parameters).fetchone()
        if not is_open and projection in builds.unbuilt_projections(connection):
            connection.execute(ENQUEUE_SQL, parameters)


def has_failed_recently(connection: SyncConnection, projection: Projection[Any]) -> bool:
    """Whether a rebuild failed in the last 30 s; another one would fail for the same reason."""
    row = connection.execute(_HAS_FAILED_RECENTLY_SQL, (projection.name, fingerprint(projection))).fetchone()
    return bool(row and row[0])


def job_from_row(row: dict[str, Any]) -> Job:
    """Parse a row of `FIND_SQL`, and estimate the time left from the rate of folding."""
    job = msgspec.convert(row, Job)
    left = (job.total - job.done) / job.events_per_s if job.events_per_s else None
    return msgspec.structs.replace(job, seconds_left=left)


def find(connection: SyncConnection, job_id: UUID) -> tuple[Job, JobOptions] | None:
    """The job with this id and its options; None if there is none."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(FIND_SQL, (job_id,)).fetchone()
    return (job_from_row(row), msgspec.convert(row.pop("options"), JobOptions)) if row else None


def claim(connection: SyncConnection) -> UUID | None:
    """Claim the oldest job that waits for this code; no two workers claim the same one."""
    row = connection.execute(_CLAIM_SQL, builds.serving_parameters()).fetchone()
    return row[0] if row else None


def reap_dead(connection: SyncConnection) -> None:
    """Requeue jobs whose process died, once; a job that ran by hand or died twice has failed. Delete old jobs."""
    with connection.transaction():
        connection.execute(_DELETE_OLD_SQL)
        for job_id, name, options in connection.execute(_LOCK_RUNNING_SQL, builds.serving_parameters()).fetchall():
            if not build_lock.is_locked(connection, all_projections()[name]):
                job_options = msgspec.convert(options, JobOptions)
                if job_options.by_hand or job_options.again:
                    finish(connection, job_id, error="The process that ran this was killed.")
                else:
                    connection.execute(_REQUEUE_DEAD_SQL, (job_id,))


def requeue(connection: SyncConnection, job_id: UUID) -> None:
    """Return a claimed job to the queue: another process is building the same projection."""
    connection.execute(_REQUEUE_SQL, (job_id,))


def finish(connection: SyncConnection, job_id: UUID, outcome: RebuildOutcome | None = None, error: str = "") -> None:
    """Record how a job ended."""
    content = msgspec.to_builtins(outcome) if outcome else {"error": error}
    connection.execute(_FINISH_SQL, ("failed" if error else "done", Jsonb(content), job_id))


class ProgressReporter:
    """Writes the progress of a job to its row: each new phase at once, else at intervals."""

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
