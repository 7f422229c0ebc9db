"""Progress messages of workers, published through Redis, name the database that they are about."""

from contextlib import closing

import msgspec
import pytest
import redis

from infra.database.connections import connect
from infra.database.identity import SELECT_IDENTITY
from infra.logs import logger
from infra.messaging import redis_clients
from infra.reading.progress_messages import PROGRESS_CHANNEL, publisher
from infra.settings import Settings
from infra.worker.projector import Projector
from projections.engine.advance import BatchReport
from tests.examples import workspace
from tests.projections import oracle
from tests.reading_process import open_reading_process
from tests.servers import Servers

REPORT = BatchReport(["task_list"], 0, 0, 4711, 1)


def test_a_report_lost_with_redis_is_logged_and_the_next_one_arrives(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    handler = logger.add(warnings.append, level="WARNING")
    with redis_clients.publisher_client(servers.redis_url) as client, client.pubsub() as subscriber:
        subscriber.subscribe(PROGRESS_CHANNEL)
        assert subscriber.get_message(timeout=10)
        publish = publisher(client)
        with monkeypatch.context() as patch:
            patch.setattr(client, "publish", redis.Redis.from_url("redis://127.0.0.1:1/0").publish)
            publish(REPORT)
        logger.remove(handler)
        (warning,) = warnings
        assert "4711" in warning
        publish(msgspec.structs.replace(REPORT, position=4712))
        received = None
        while received is None or msgspec.json.decode(received["data"], type=BatchReport).position < REPORT.position:
            received = subscriber.get_message(timeout=10)
            assert received
        assert msgspec.json.decode(received["data"], type=BatchReport).position == 4712


async def test_a_worker_and_a_reader_name_one_database_alike(
    servers: Servers, template_database: str, settings: Settings
) -> None:
    reports = list[BatchReport]()
    with connect(settings.database_url) as connection:
        oracle.append_facts(connection, workspace())
    with closing(Projector(settings.database_url, 1, reports.append)) as projector:
        projector.project(0)
    async with open_reading_process(settings, subscribed=True) as process:
        assert {one.database for one in reports} == {process.progress.database}
    copy = servers.application_url(servers.new_database(template_database))
    with connect(copy) as connection:
        assert connection.execute(SELECT_IDENTITY).fetchall() != [(process.progress.database,)]
