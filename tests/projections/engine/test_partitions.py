"""Partitions: however often their number changes, no event is folded twice or lost."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from msgspec.structs import replace

from domain import codec
from infra import log
from infra.rebuilding import refold
from infra.settings import Settings
from infra.worker.housekeeping import Housekeeping
from projections.engine import advance, builds, parked
from projections.engine.connection import SyncConnection
from projections.engine.parked import ParkedDocument
from tests.examples import RENAMED, TASK, project, task, workspace
from tests.projections import oracle
from tests.projections.broken_folds import broken_fold, raise_error

HISTORY = [*workspace(), *project(), *task(RENAMED)]
SLOW_TAKE_SQL = advance._ADVANCE_CHECKPOINTS.replace(  # noqa: SLF001 - the window is made wider here
    b"and position = $6", b"and position = $6 and pg_sleep(0.5)::text is not null"
)


def split(database: SyncConnection, partitions: int) -> None:
    for build in builds.serving_builds(database).values():
        advance.repartition(database, build, log.load_after, partitions)


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2), (3, 2)])
def test_splitting_and_retrying_in_one_run_loses_nothing(
    database: SyncConnection, settings: Settings, before: int, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    split(database, before)
    oracle.append_facts(database, HISTORY)
    with monkeypatch.context() as older:
        forgotten = {name: event for name, event in codec.all_event_types().items() if name != "TaskRenamed"}
        older.setattr(codec, "all_event_types", lambda: forgotten)
        codec._decoders.cache_clear()  # noqa: SLF001 - as in a process of older code
        oracle.catch_up(database, partitions=before)
        assert oracle.parked_documents(database, "task_list") == [str(TASK)]
    codec._decoders.cache_clear()  # noqa: SLF001 - as above
    with closing(Housekeeping(replace(settings, partitions=after))) as keeper:
        keeper.run_once()
    assert oracle.serving_build(database, "task_list").partitions == after
    assert not oracle.parked_documents(database, "task_list")
    assert oracle.matches_log(database)


def test_a_retry_requested_before_a_split_finds_its_document(database: SyncConnection) -> None:
    split(database, 2)
    with broken_fold("task_list", raise_error, RENAMED):
        oracle.append_facts(database, HISTORY)
        oracle.catch_up(database, partitions=2)
        (one,) = [one for one in parked_of_task_list(database) if one.document == str(TASK)]
    build = oracle.serving_build(database, "task_list")
    split(database, 1)
    assert refold.retry_parked(database, build, one) is None
    assert oracle.matches_log(database)


def test_a_batch_read_before_a_split_is_not_folded_twice(
    database: SyncConnection, other_connection: SyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker waits for the checkpoint, which then has the same position but another number of partitions."""
    oracle.append_facts(database, [*workspace(), *project()])
    oracle.catch_up(database)
    oracle.append_facts(database, task())
    build = oracle.serving_build(database, "project_list")
    start = builds.checkpoint_position(database, build, 0)
    batch = advance.EventBatch(0, start, log.load_after(database, start, 100))
    take = advance._ADVANCE_CHECKPOINTS  # noqa: SLF001 - as above
    with ThreadPoolExecutor(1) as threads:
        monkeypatch.setattr(advance, "_ADVANCE_CHECKPOINTS", SLOW_TAKE_SQL)
        late = threads.submit(advance.fold_batch, other_connection, [build], batch)
        time.sleep(0.2)
        monkeypatch.setattr(advance, "_ADVANCE_CHECKPOINTS", take)
        advance.repartition(database, build, log.load_after, 2)
        late.result()
    split(database, 2)
    oracle.catch_up(database, partitions=2)
    assert oracle.matches_log(database)


def test_workers_with_different_partition_counts_do_not_undo_each_other(
    settings: Settings, database: SyncConnection
) -> None:
    with closing(Housekeeping(settings)) as one, closing(Housekeeping(replace(settings, partitions=2))) as two:
        for keeper in (one, two, one, two, one):
            keeper.run_once()
        assert oracle.serving_build(database, "task_list").partitions == 2
        assert (one.partitions, two.partitions) == (2, 2)


def test_a_missing_partition_has_no_position(database: SyncConnection) -> None:
    with pytest.raises(ValueError, match="unpack"):
        builds.checkpoint_position(database, oracle.serving_build(database, "task_list"), 1)


def parked_of_task_list(database: SyncConnection) -> list[ParkedDocument]:
    return parked.all_parked(database, oracle.serving_build(database, "task_list"))
