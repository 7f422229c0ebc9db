"""The worker against real servers: hints make it fold at once, and without any it looks by itself."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
import redis

from infra import broker, worker
from infra.hints import Hints, message
from infra.postgres import connect
from infra.projected import publisher
from infra.settings import Settings
from infra.worker import Projector
from projections import task_list
from projections.engine import Progress
from tests.e2e.running import fact
from tests.examples import CREATED, TASK, project, user, workspace
from tests.projections import oracle


@contextmanager
def running(settings: Settings) -> Iterator[None]:
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
    monkeypatch.setattr(worker, "LOOK_S", 3600)
    hints = Hints(broker.broker(settings.broker_url))
    hints.start()
    with running(settings), connect(settings.database_url) as connection:
        oracle.write(connection, [*user(), *workspace(), *project(), (TASK, CREATED)])
        hints.give()
        fact(lambda: oracle.is_right(connection))
        assert oracle.shown(connection, task_list.projection)[TASK].title == CREATED.title
    hints.stop()


def test_without_any_hint_the_worker_looks_by_itself(settings: Settings) -> None:
    with running(settings), connect(settings.database_url) as connection:
        oracle.write(connection, [*workspace(), *project(), (TASK, CREATED)])
        fact(lambda: oracle.is_right(connection), patience=20)


def test_a_worker_without_a_broker_still_folds(settings: Settings) -> None:
    lonely = msgspec.structs.replace(settings, broker_url="redis://127.0.0.1:1/0", redis_url="redis://127.0.0.1:1/0")
    with running(lonely), connect(settings.database_url) as connection:
        oracle.write(connection, [*workspace(), *project(), (TASK, CREATED)])
        fact(lambda: oracle.is_right(connection), patience=20)


def test_an_event_that_nobody_knows_holds_a_worker_up_but_does_not_end_it(settings: Settings) -> None:
    with running(settings), connect(settings.database_url) as connection:
        connection.execute("select log.append('{}', '{}', array[gen_random_uuid()], '{1}', '{TaskSung}', '{x}')")
        oracle.write(connection, [*workspace(), *project(), (TASK, CREATED)])
        connection.execute("delete from log.events where topic = 'TaskSung'")
        fact(lambda: oracle.is_right(connection), patience=20)


def test_a_projector_gets_over_a_cut_connection(settings: Settings) -> None:
    told: list[Progress] = []
    projector = Projector(settings.database_url, told.append)
    with connect(settings.database_url) as connection:
        oracle.write(connection, workspace())
        projector.project("workspace_list")
        cut = (
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'taskledger worker'"
        )
        connection.execute(f"{cut} and datname = current_database()")
        oracle.write(connection, [*project(), (TASK, CREATED)])
        fact(lambda: survived(projector))
        assert oracle.shown(connection, task_list.projection)
    assert [progress.projection for progress in told] == ["workspace_list", "task_list"]
    projector.close()


def test_redis_away_does_not_stop_a_publisher() -> None:
    publisher(redis.Redis.from_url("redis://127.0.0.1:1/0"))(Progress("task_list", 1, {}, 1))


def test_the_message_names_a_projection_and_a_partition() -> None:
    assert message("task_list").args == ("task_list", 0)


def survived(projector: Projector) -> bool:
    try:
        projector.project("task_list")
    except Exception:  # noqa: BLE001 - whatever a cut connection raises
        return False
    return True
