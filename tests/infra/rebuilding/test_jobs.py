"""Rebuild jobs: one worker claims each, the job of a dead worker is requeued, a failed one keeps its reason."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from threading import Barrier
from uuid import UUID

import pytest
from msgspec.structs import replace
from psycopg.sql import SQL

from infra.database.connections import connect
from infra.rebuilding import jobs, run_job
from infra.rebuilding.jobs import Job, JobOptions
from infra.settings import Settings
from infra.worker.housekeeping import Housekeeping
from projections import task_list
from projections.engine import build_lock
from projections.engine.connection import SyncConnection
from projections.projection import all_projections
from tests.e2e.running_instance import not_none, poll_until
from tests.examples import TASK, project, task, workspace
from tests.planted_defects import assert_check_fails
from tests.projections import oracle

PROJECTION = task_list.projection


@pytest.fixture
def database(settings: Settings) -> Iterator[SyncConnection]:
    with connect(settings.database_url) as connection:
        yield connection


@pytest.fixture
def _inline_fold_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.rebuilding.rebuild.open_fold_pool", oracle.inline_fold_pool)


def find_job(database: SyncConnection, job_id: UUID) -> Job:
    return not_none(jobs.find(database, job_id))[0]


def age_job(database: SyncConnection, job_id: UUID) -> None:
    """Make the job look as if it began a minute ago."""
    database.execute("update read.operations set began_at = now() - interval '1 minute' where id = %s", (job_id,))


def test_enqueueing_twice_is_one_job(database: SyncConnection) -> None:
    first = jobs.enqueue(database, PROJECTION, JobOptions())
    assert jobs.enqueue(database, PROJECTION, JobOptions()) == first
    assert jobs.enqueue(database, all_projections()["activity"], JobOptions()) != first
    assert jobs.claim(database) == first
    assert jobs.enqueue(database, PROJECTION, JobOptions()) == first
    jobs.finish(database, first, error="it was too much")
    assert jobs.enqueue(database, PROJECTION, JobOptions()) != first


def one_worker_claims_each_job(settings: Settings, rounds: int) -> None:
    """Several workers poll at the same moment."""
    workers = 4
    together = Barrier(workers)

    def claim(connection: SyncConnection) -> UUID | None:
        together.wait(20)
        return jobs.claim(connection)

    with ThreadPoolExecutor(workers) as threads, ExitStack() as opened:
        connections = [opened.enter_context(connect(settings.database_url)) for _ in range(workers)]
        for _ in range(rounds):
            asked = jobs.enqueue(connections[0], PROJECTION, JobOptions())
            claimed = list(threads.map(claim, connections))
            jobs.finish(connections[0], asked, error="enough")
            assert [each for each in claimed if each] == [asked]


def test_one_worker_claims_each_job(settings: Settings) -> None:
    one_worker_claims_each_job(settings, 30)


def test_a_check_then_claim_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted defect: select a job, then claim it."""

    def careless(connection: SyncConnection) -> UUID | None:
        row = connection.execute("select id from read.operations where state = 'waiting' limit 1").fetchone()
        if row:
            connection.execute("update read.operations set state = 'running', began_at = now() where id = %s", row)
        return row[0] if row else None

    monkeypatch.setattr(jobs, "claim", careless)
    assert_check_fails(partial(one_worker_claims_each_job, settings, 200))


def test_jobs_of_another_code_version_are_not_claimed(
    database: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.enqueue(database, PROJECTION, JobOptions())
    with monkeypatch.context() as patch:
        patch.setitem(all_projections(), "task_list", replace(PROJECTION, version=99))
        assert jobs.claim(database) is None
    assert jobs.claim(database)


def a_dead_workers_job_is_retried_once(database: SyncConnection) -> None:
    """The first time, the job waits for another one; the second time, it has failed."""
    asked = jobs.enqueue(database, PROJECTION, JobOptions(expect_changes=True))
    assert jobs.claim(database) == asked
    jobs.reap_dead(database)
    assert find_job(database, asked).state == "running", "it has only just begun"
    age_job(database, asked)
    jobs.reap_dead(database)
    assert find_job(database, asked).state == "waiting"
    assert jobs.claim(database) == asked
    assert not_none(jobs.find(database, asked))[1] == JobOptions(expect_changes=True, again=True)
    age_job(database, asked)
    jobs.reap_dead(database)
    ended = find_job(database, asked)
    assert (ended.state, ended.outcome) == ("failed", {"error": "The process that ran this was killed."})
    assert jobs.claim(database) is None


def test_a_dead_workers_job_is_retried_once(database: SyncConnection) -> None:
    a_dead_workers_job_is_retried_once(database)


def test_an_operation_that_is_tried_for_ever_is_noticed(
    database: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_REQUEUE_DEAD_SQL", "update read.operations set state = 'waiting' where id = %s")
    assert_check_fails(partial(a_dead_workers_job_is_retried_once, database))


def test_a_running_job_is_not_reaped_however_long_it_takes(database: SyncConnection, settings: Settings) -> None:
    asked = jobs.enqueue(database, PROJECTION, JobOptions())
    jobs.claim(database)
    age_job(database, asked)
    with connect(settings.database_url) as rebuild:
        build_lock.try_lock(rebuild, PROJECTION)
        jobs.reap_dead(database)
        assert find_job(database, asked).state == "running"
    poll_until(lambda: not build_lock.is_locked(database, PROJECTION))
    jobs.reap_dead(database)
    assert find_job(database, asked).state == "waiting"


def test_a_job_started_by_hand_is_not_claimed_by_workers(database: SyncConnection) -> None:
    asked = jobs.enqueue(database, PROJECTION, JobOptions(by_hand=True))
    assert jobs.claim(database) is None
    age_job(database, asked)
    jobs.reap_dead(database)
    assert find_job(database, asked).state == "failed"


def test_concurrent_reaping_requeues_a_job_once(database: SyncConnection, settings: Settings) -> None:
    """Two workers look for dead jobs at once; the second skips the job that the first has locked."""
    asked = jobs.enqueue(database, PROJECTION, JobOptions())
    jobs.claim(database)
    age_job(database, asked)
    with connect(settings.database_url) as rival:
        with rival.transaction():
            jobs.reap_dead(rival)
            jobs.reap_dead(database)
            assert find_job(database, asked).state == "running"
        assert jobs.claim(rival) == asked
        jobs.reap_dead(database)
        assert find_job(database, asked).state == "running"


@pytest.mark.usefixtures("_inline_fold_pool")
def test_a_failed_job_keeps_its_reason_and_is_not_enqueued_again_at_once(
    database: SyncConnection, settings: Settings
) -> None:
    """Rows differ; a missing projection is not rebuilt over and over again."""
    oracle.append_facts(database, [*workspace(), *project(), *task()])
    oracle.catch_up(database)
    table = oracle.serving_build(database, "task_list").table_name
    database.execute(SQL("update {} set title = 'Buy nothing'").format(table))
    asked = jobs.enqueue(database, PROJECTION, JobOptions())
    jobs.claim(database)
    run_job.main(asked, settings.database_url)
    failed = find_job(database, asked)
    assert failed.state == "failed"
    assert failed.outcome is not None
    assert (failed.outcome["differences"], failed.outcome["first"][0]["document"]) == (1, str(TASK))
    assert jobs.has_failed_recently(database, PROJECTION)
    database.execute("delete from read.serving where projection = 'task_list'")
    with closing(Housekeeping(settings)) as keeper:
        keeper.run_once()
    states = database.execute("select state from read.operations").fetchall()
    assert states == [("failed",)]


def test_a_projection_built_meanwhile_is_not_enqueued(database: SyncConnection) -> None:
    asked = "select count(*) from read.operations"
    jobs.enqueue_missing(database, PROJECTION)
    assert database.execute(asked).fetchone() == (0,)
    database.execute("delete from read.serving where projection = %s", (PROJECTION.name,))
    for _ in range(2):
        jobs.enqueue_missing(database, PROJECTION)
    assert database.execute(asked).fetchone() == (1,)


@pytest.mark.usefixtures("_inline_fold_pool")
def test_a_job_reports_progress_and_outcome(database: SyncConnection, settings: Settings) -> None:
    oracle.append_facts(database, [*workspace(), *project(), *task()])
    oracle.catch_up(database)
    asked = jobs.enqueue(database, PROJECTION, JobOptions())
    jobs.claim(database)
    run_job.main(asked, settings.database_url)
    done = find_job(database, asked)
    assert (done.state, done.phase) == ("done", "")
    assert done.outcome is not None
    assert (done.outcome["switched"], done.outcome["documents"]) == (True, 1)
    assert done.ended_at is not None


def test_running_an_unknown_job_does_nothing(settings: Settings) -> None:
    run_job.main(TASK, settings.database_url)
