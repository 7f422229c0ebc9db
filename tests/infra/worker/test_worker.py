"""The worker against real servers: it folds at once on a hint, and polls without one."""

import msgspec
import pytest

from domain import codec
from infra.database.connections import connect
from infra.messaging import broker
from infra.messaging.hints import HintSender, hint_message
from infra.rebuilding.rebuild import RebuildOptions
from infra.settings import Settings
from infra.worker import worker
from projections import project_list, task_list
from projections.engine import builds
from tests.e2e.running_instance import poll_until
from tests.examples import CREATED, OTHER_TASK, RENAMED, TASK, project, user, workspace
from tests.infra.messaging.unreported_progress import ProgressNeverReported
from tests.infra.worker.running_worker import running_worker
from tests.projections import oracle


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


def test_a_rebuild_blocks_no_other_projection(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint row is locked, as by a rebuild: its hints pile up, and other partitions continue."""
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
