"""From commit to row: how long after its acknowledgement the events of a command are in every read model."""

import time

import httpx
import msgspec
import redis

from bench.data.http_target import NEW_TASK
from bench.harness.instance import BenchInstance
from infra import settings
from infra.reading.progress_messages import PROGRESS_CHANNEL

PAUSE_S = 0.01
MAX_VISIBILITY_S = 5.0


def measure_commit_to_row_ms(ours: BenchInstance, count: int) -> list[float]:
    """For each of `count` creates on an idle instance, the milliseconds until a worker reports its commit.

    If the report arrives before the client has its answer, the latency counts as zero.
    """
    headers = {"Authorization": f"Bearer {ours.token}"}
    found: list[float] = []
    with (
        httpx.Client(base_url=ours.address, headers=headers) as http,
        redis.Redis.from_url(settings.resolve(ours.data).redis_url) as cache,
        cache.pubsub() as reports,
    ):
        reports.subscribe(PROGRESS_CHANNEL)
        for _ in range(count):
            written = http.post(ours.board.one_project.path, json=NEW_TASK).raise_for_status().json()
            answered = time.monotonic()
            while _next_position(reports) < written["position"]:
                if time.monotonic() > answered + MAX_VISIBILITY_S:
                    raise TimeoutError
            found.append((time.monotonic() - answered) * 1_000)
            time.sleep(PAUSE_S)
    return found


def _next_position(pubsub: redis.client.PubSub) -> int:
    """The position in the next progress message, 0 if none arrives."""
    message = pubsub.get_message(ignore_subscribe_messages=True, timeout=MAX_VISIBILITY_S)
    return int(msgspec.json.decode(message["data"])["position"]) if message else 0
