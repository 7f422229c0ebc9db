"""PostgreSQL is suspended under load (P9): answers come in time, nothing is lost or done twice, and all recovers."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from infra import time_budget
from tests.e2e.blocking_api_user import BlockingApiUser
from tests.e2e.running_instance import RunningInstance, poll_until, running_instance

pytestmark = pytest.mark.slow

ANSWER_S = time_budget.REQUEST_S + 1.5
"""The promise is 3 s; a busy machine adds to it."""
UNREADY_S, HEALED_S = 3.0, 10.0
"""The promises are 2 s and 5 s; as above."""
SUSPENDED_S = 6.0
WRITERS = 8


def test_a_suspended_postgresql_is_noticed_and_survived(tmp_path: Path) -> None:
    with running_instance(tmp_path / "data") as instance:
        ann = BlockingApiUser.register(instance.address, "ann@example.com")
        workspace = ann.post("/workspaces", name="Home")["id"]
        project = ann.post(f"/workspaces/{workspace}/projects", name="Kitchen", key="KIT")["id"]
        keys = [str(uuid4()) for _ in range(WRITERS)]
        with ThreadPoolExecutor(WRITERS) as threads:
            with suspended_postgresql(instance):
                began = time.monotonic()
                attempts = [threads.submit(create, ann, project, key) for key in keys]
                poll_until(lambda: not is_ready(instance), UNREADY_S)
                assert httpx.get(f"{instance.address}/health/live").elapsed.total_seconds() < 1
                for attempt in attempts:
                    response = attempt.result()
                    assert response.elapsed.total_seconds() < ANSWER_S
                    assert response.status_code == 503, response.text
                    assert response.json()["code"] in {"outcome_unknown", "storage_unavailable", "deadline_exceeded"}
                    assert response.headers["retry-after"]
                time.sleep(max(0.0, SUSPENDED_S - (time.monotonic() - began)))
            healed_at = time.monotonic()
            poll_until(lambda: is_ready(instance), HEALED_S)
            for key in keys:
                poll_until(lambda key=key: create(ann, project, key).status_code == 201, HEALED_S)  # type: ignore[misc]
            assert time.monotonic() - healed_at < HEALED_S
        titles = [
            task["title"] for task in ann.iter_items(f"/projects/{project}/tasks", min_position=last_position(ann))
        ]
        assert sorted(titles) == sorted(keys)


def create(user: BlockingApiUser, project: str, key: str) -> httpx.Response:
    path = f"/projects/{project}/tasks"
    return user.http.post(path, json={"title": key}, headers={"Idempotency-Key": key})


def is_ready(instance: RunningInstance) -> bool:
    return httpx.get(f"{instance.address}/health/ready").is_success


def last_position(user: BlockingApiUser) -> int:
    """The position of a command that comes after all others."""
    return int(user.post("/workspaces", name="Last")["position"])


@contextlib.contextmanager
def suspended_postgresql(instance: RunningInstance) -> Iterator[None]:
    """While the block runs, no process of the server runs."""
    server = instance.child("postgres -D")
    pids = [server, *map(int, Path(f"/proc/{server}/task/{server}/children").read_text().split())]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
