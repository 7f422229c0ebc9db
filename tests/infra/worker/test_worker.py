"""The worker against real servers: it folds at once on a hint, and polls without one."""

import threading
from collections.abc import Callable, Iterator, Sized
from contextlib import closing, contextmanager
from typing import Any

import msgspec
import pytest

from domain import codec
from domain.member import member_stream_id
from infra import log
from infra.database.pool import connect
from infra.messaging import broker
from infra.messaging.hints import MAX_QUEUED_HINTS_PER_PARTITION, HintSender, hint_message
from infra.rebuilding.rebuild import RebuildOptions
from infra.settings import Settings
from infra.worker import worker
from infra.worker.projector import Projector
from projections import project_list, task_list
from projections.engine import advance, builds
from projections.engine.advance import BatchReport
from projections.projection import all_projections
from tests.e2e.running_instance import poll_until
from tests.examples import ADA, CREATED, OTHER_TASK, RENAMED, TASK, WORKSPACE, project, user, workspace
from tests.projections import oracle


class ProgressNeverReported:
    """Nothing is heard of any partition."""

    def reported_position(self, partition: int) -> int:
        del partition
        return -1

    def is_batching(self, partition: int) -> bool:
        del partition
        return False


@contextmanager
def running_worker(settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(settings, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def test_a_hint_makes_the_worker_fold_and_publish(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL_INTERVAL_S", 3600)
    hints = HintSender(broker.create_broker(settings.broker_url), ProgressNeverReported(), 1)
    hints.start()
    with running_worker(settings), connect(settings.database_url) as connection:
        oracle.append_facts(connection, [*user(), *workspace(), *project(), (TASK, CREATED)])
        hints.hint(1)
        poll_until(lambda: oracle.matches_log(connection))
        assert oracle.serving_rows(connection, task_list.projection)[TASK].title == CREATED.title
    hints.stop()


def test_without_hints_the_worker_polls(settings: Settings) -> None:
    with running_worker(settings), connect(settings.database_url) as connection:
        oracle.append_facts(connection, [*workspace(), *project(), (TASK, CREATED)])
        poll_until(lambda: oracle.matches_log(connection), timeout_s=20)


def test_a_worker_without_a_broker_still_folds(settings: Settings) -> None:
    lonely = msgspec.structs.replace(settings, broker_url="redis://127.0.0.1:1/0", redis_url="redis://127.0.0.1:1/0")
    with running_worker(lonely), connect(settings.database_url) as connection:
        oracle.append_facts(connection, [*workspace(), *project(), (TASK, CREATED)])
        poll_until(lambda: oracle.matches_log(connection), timeout_s=20)


def test_an_unknown_event_parks_only_its_document(settings: Settings) -> None:
    database, owners = settings.database_url, settings.migration_url
    with running_worker(settings), connect(database) as connection, connect(owners) as owner:
        oracle.append_facts(connection, [*workspace(), *project(), (TASK, CREATED), (OTHER_TASK, CREATED)])
        sung = "(originator_id, originator_version, topic, state) values (%s, 2, 'TaskSung', 'x')"
        owner.execute(f"insert into log.events {sung}", (TASK,))
        poll_until(lambda: oracle.parked_documents(connection, "task_list") == [str(TASK)], timeout_s=20)
        more = "(originator_id, originator_version, topic, state) values (%s, %s, 'TaskRenamed', %s)"
        for stream, version in ((TASK, 3), (OTHER_TASK, 2)):
            row = (stream, version, codec.encode(RENAMED))
            owner.execute(f"insert into log.events {more}", row)
        poll_until(lambda: oracle.serving_rows(connection, task_list.projection)[OTHER_TASK].version == 2, timeout_s=20)
        assert oracle.serving_rows(connection, task_list.projection)[TASK].version == 1
        owner.execute("delete from log.events where topic = 'TaskSung'")
        for name in ("task_list", "task_search"):
            assert oracle.rebuild_inline(database, name, RebuildOptions(1, expect_changes=True)).switched
            assert not oracle.parked_documents(connection, name)
        poll_until(lambda: oracle.matches_log(connection), timeout_s=20)


def test_an_unknown_event_of_a_member_parks_the_workspace_and_no_task(settings: Settings) -> None:
    projector = Projector(settings.database_url, 1, lambda _: None)
    with connect(settings.database_url) as connection, connect(settings.migration_url) as owner:
        oracle.append_facts(connection, [*workspace(), *project(), (TASK, CREATED)])
        left = "(originator_id, originator_version, topic, state, workspace_id) values (%s, 2, 'MemberLeft', 'x', %s)"
        owner.execute(f"insert into log.events {left}", (member_stream_id(WORKSPACE, ADA.id), WORKSPACE))
        projector.project(0)
        parked = {name: oracle.parked_documents(connection, name) for name in all_projections()}
        assert parked.pop("workspace_list") == [str(WORKSPACE)]
        assert parked.pop("task_history") == [str(log.head(connection))]  # it may have been a task's
        assert not any(parked.values())
    projector.close()


def test_a_rebuild_blocks_no_other_projection(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row of a checkpoint is locked, as a rebuild does: hints for it pile up, and the others go on."""
    monkeypatch.setattr(worker, "POLL_INTERVAL_S", 0.1)
    messages = broker.create_broker(settings.broker_url)
    with (
        running_worker(settings),
        connect(settings.database_url) as connection,
        connect(settings.database_url) as rebuild,
    ):
        rebuild.execute("begin")
        builds.lock_checkpoints(rebuild, oracle.serving_build(rebuild, "task_list"))
        oracle.append_facts(connection, [*workspace(), *project(), (TASK, CREATED)])
        for _ in range(20):
            messages.enqueue(hint_message(0))
        poll_until(lambda: oracle.serving_rows(connection, project_list.projection), timeout_s=5)
        assert not oracle.serving_rows(connection, task_list.projection)
        rebuild.execute("rollback")
        poll_until(lambda: oracle.matches_log(connection), timeout_s=20)
    messages.close()


def test_a_hint_during_a_run_is_served_by_that_run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hint comes while a poll finds nothing: its event does not wait for the next poll."""
    go_on, looks = advance.advance, list[list[BatchReport]]()
    projector = Projector(settings.database_url, 1, lambda _: None)
    with connect(settings.database_url) as connection:

        def found(*arguments: Any) -> list[BatchReport]:
            looks.append(list(go_on(*arguments)))
            if len(looks) == 1:
                oracle.append_facts(connection, [*workspace(), *project(), (TASK, CREATED)])
                projector.project(0)
            return looks[-1]

        monkeypatch.setattr(advance, "advance", found)
        projector.project(0)
        assert looks[0] == []
        assert oracle.checkpoint_position(connection, "task_list") == log.head(connection)
    projector.close()


def test_project_reports_more_work_unless_another_thread_runs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker continues at once while there is more, unless another thread folds the partition."""
    monkeypatch.setattr("infra.worker.projector.POLL_INTERVAL_S", 0.0)
    with closing(Projector(settings.database_url, 1, lambda _: None)) as projector:
        assert projector.project(0)
        with projector._partitions[0].lock:  # noqa: SLF001 - as another thread does
            assert not projector.project(0)
        monkeypatch.undo()
        assert not projector.project(0)


def test_a_caught_up_partition_is_hinted_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the thread rarely polls, and whatever it is doing when a command comes."""
    monkeypatch.setattr("infra.messaging.hints.LINGER_S", 3600)
    monkeypatch.setattr("infra.messaging.hints.QUEUE_NAME", "deserted")  # no message of another test is in it
    messages = broker.create_broker(settings.broker_url)
    told, hearing = list[object](), ProgressNeverReported()
    monkeypatch.setattr(messages, "enqueue", told.append)
    monkeypatch.setattr(hearing, "reported_position", lambda _: len(told))
    hints = HintSender(messages, hearing, 1)
    hints.start()
    for position in range(1, 100):
        hints.hint(position)
        poll_until(has_length(told, position))
    hints.stop()
    messages.close()


def test_hints_do_not_pile_up_without_a_worker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.messaging.hints.QUEUE_NAME", "deserted")
    messages = broker.create_broker(settings.broker_url)
    messages.declare_queue("deserted")
    hints = HintSender(messages, ProgressNeverReported(), 3)
    for _ in range(200):
        hints._enqueue([0, 1, 2])  # noqa: SLF001 - what its thread does, without waiting for it
    assert 0 < messages.client.llen("dramatiq:deserted") <= (MAX_QUEUED_HINTS_PER_PARTITION + 1) * 3
    messages.flush("deserted")
    messages.close()


def test_a_projector_gets_over_a_cut_connection(settings: Settings) -> None:
    told: list[BatchReport] = []
    projector = Projector(settings.database_url, 1, told.append)
    with connect(settings.database_url) as connection:
        oracle.append_facts(connection, workspace())
        projector.project(0)
        cut = (
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'taskledger worker'"
        )
        connection.execute(f"{cut} and datname = current_database()")
        oracle.append_facts(connection, [*project(), (TASK, CREATED)])
        poll_until(lambda: projects_again(projector))
        assert oracle.serving_rows(connection, task_list.projection)
    assert [set(progress.projections) for progress in told if progress.events] == [all_projections().keys()] * 2
    projector.close()


def test_the_message_names_a_partition() -> None:
    assert hint_message(3).args == (3,)


def has_length(found: Sized, count: int) -> Callable[[], bool]:
    return lambda: len(found) == count


def projects_again(projector: Projector) -> bool:
    try:
        projector.project(0)
    except Exception:  # noqa: BLE001 - whatever a cut connection raises
        return False
    return True
