"""Progress messages of workers, published through Redis."""

import msgspec
import pytest
import redis

from infra.logs import logger
from infra.messaging import redis_clients
from infra.reading.progress_messages import PROGRESS_CHANNEL, publisher
from projections.engine.advance import BatchReport
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
