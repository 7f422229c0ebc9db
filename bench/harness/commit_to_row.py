"""From commit to row: how long after a command was acknowledged its events stand in every read model."""

import time

import httpx
import msgspec
import redis

from bench.harness.client_scripts import NEW_TASK
from bench.harness.instance import Instance
from infra import settings
from infra.reading.progress import CHANNEL

PAUSE_S = 0.02
PATIENCE_S = 5.0


def rows_ms(ours: Instance, count: int) -> list[float]:
    """For each of so many creates with nothing else to do, the milliseconds until a worker tells of its commit.

    That it may tell before the client has its answer counts as none.
    """
    headers = {"Authorization": f"Bearer {ours.token}"}
    found: list[float] = []
    with (
        httpx.Client(base_url=ours.address, headers=headers) as http,
        redis.Redis.from_url(settings.locate(ours.data).redis_url) as cache,
        cache.pubsub() as news,
    ):
        news.subscribe(CHANNEL)
        for _ in range(count):
            written = http.post(ours.board.crowded.path, json=NEW_TASK).raise_for_status().json()
            answered = time.monotonic()
            while _told(news) < written["position"]:
                if time.monotonic() > answered + PATIENCE_S:
                    raise TimeoutError
            found.append((time.monotonic() - answered) * 1_000)
            time.sleep(PAUSE_S)
    return found


def _told(news: redis.client.PubSub) -> int:
    """The position that the next message tells of, 0 where none comes."""
    message = news.get_message(ignore_subscribe_messages=True, timeout=PATIENCE_S)
    return int(msgspec.json.decode(message["data"])["position"]) if message else 0
